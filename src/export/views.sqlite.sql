CREATE VIEW quotes AS
SELECT a.id, a.day, a.source, a.speaker, a.role, a.speaker_kind, a.also, a.act, a.cue, a.content, a.source_text, a.kind, a.score, a.topic, a.tone, a.copy, d.title, d.uri,
    a.document, a.statement
FROM attributions a JOIN documents d ON d.id = a.document_id;

CREATE VIEW share_of_voice AS
SELECT day, source, topic, statements, sum(statements) OVER voice AS of_all,
    round(1.0 * statements / sum(statements) OVER voice, 4) AS share, round(tone_sum / statements, 4) AS tone
FROM daily_topics WINDOW voice AS (PARTITION BY day, source);

CREATE VIEW topics_daily AS
SELECT day, topic, sum(statements) AS statements, sum(in_copies) AS in_copies,
    sum(sum(statements)) OVER whole_day AS of_all,
    round(1.0 * sum(statements) / sum(sum(statements)) OVER whole_day, 4) AS share,
    round(sum(tone_sum) / sum(statements), 4) AS tone
FROM daily_topics GROUP BY day, topic WINDOW whole_day AS (PARTITION BY day);

CREATE VIEW tone_daily AS
SELECT day, source, sum(statements) AS statements, sum(negative) AS negative, sum(neutral) AS neutral, sum(positive) AS positive,
    round(sum(tone_sum) / sum(statements), 4) AS tone
FROM daily_topics GROUP BY day, source;

CREATE VIEW top_speakers AS
SELECT speaker, role, said - said_in_copies AS said_in_originals, said, attributions, documents, first_day, last_day
FROM speakers ORDER BY said - said_in_copies DESC, said DESC, attributions DESC, speaker;

CREATE VIEW carriers AS
SELECT o.day, o.title, count(*) AS carriers, group_concat(DISTINCT d.source) AS sources, o.document, o.uri
FROM documents d JOIN documents o ON o.document = coalesce(d.duplicate_of, d.document)
GROUP BY o.id HAVING count(*) > 1 ORDER BY count(*) DESC, o.document;

CREATE VIEW what_changed AS
WITH latest AS (
    SELECT night, labels, row_number() OVER (ORDER BY night DESC) AS place FROM nights WHERE kind = 'night' AND written > 0),
counted AS (
    SELECT latest.place, task."key" AS task, label."key" AS code, label.value AS statements,
        1.0 * label.value / sum(label.value) OVER (PARTITION BY latest.place, task."key") AS share
    FROM latest, json_each(latest.labels) AS task, json_each(task.value) AS label WHERE latest.place <= 2),
compared AS (
    SELECT task, code, sum(CASE WHEN place = 1 THEN statements ELSE 0 END) AS statements,
        sum(CASE WHEN place = 1 THEN share ELSE 0 END) AS share,
        CASE WHEN (SELECT count(*) FROM latest) > 1 THEN sum(CASE WHEN place = 2 THEN share ELSE 0 END) END AS share_before
    FROM counted GROUP BY task, code)
SELECT task, coalesce((SELECT min(l.label) FROM labels l WHERE l.task = compared.task AND l.code = compared.code), code) AS label,
    statements, round(share, 4) AS share, round(share_before, 4) AS share_before, round(share - share_before, 4) AS change
FROM compared ORDER BY abs(share - share_before) DESC, task, label;
