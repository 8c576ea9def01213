-- The tables of this folder for DuckDB, written by pressrun. In this folder: duckdb -init views.sql
CREATE OR REPLACE VIEW documents AS
SELECT * FROM read_parquet('documents/*/*.parquet', hive_partitioning = true, hive_types = {'@key': VARCHAR});
CREATE OR REPLACE VIEW statements AS
SELECT * FROM read_parquet('statements/*/*.parquet', hive_partitioning = true, hive_types = {'@key': VARCHAR});
CREATE OR REPLACE VIEW attributions AS
SELECT * FROM read_parquet('attributions/*/*.parquet', hive_partitioning = true, hive_types = {'@key': VARCHAR});
CREATE OR REPLACE VIEW daily_sources AS SELECT * FROM 'daily_sources.parquet';
CREATE OR REPLACE VIEW daily_topics AS SELECT * FROM 'daily_topics.parquet';
CREATE OR REPLACE VIEW labels AS SELECT * FROM 'labels.parquet';
CREATE OR REPLACE VIEW sources AS SELECT * FROM 'sources.parquet';
CREATE OR REPLACE VIEW speakers AS SELECT * FROM 'speakers.parquet';
CREATE OR REPLACE VIEW nights AS SELECT * FROM 'nights.parquet';

CREATE OR REPLACE VIEW quotes AS
SELECT a.day, a.source, a.speaker, a.role, a.speaker_kind, a.also, a.act, a.cue, a.content, a.source_text, a.kind, a.score, a.topic, a.tone, a.copy, d.title, d.uri,
    a.document, a.statement
FROM attributions a JOIN documents d ON d.document = a.document;

CREATE OR REPLACE VIEW share_of_voice AS
SELECT day, source, topic, statements, sum(statements) OVER voice AS of_all,
    round(1.0 * statements / sum(statements) OVER voice, 4) AS share, round(tone_sum / statements, 4) AS tone
FROM daily_topics WINDOW voice AS (PARTITION BY day, source);

CREATE OR REPLACE VIEW topics_daily AS
WITH by_topic AS (
    SELECT day, topic, sum(statements) AS statements, sum(in_copies) AS in_copies, sum(tone_sum) AS tone_sum
    FROM daily_topics GROUP BY day, topic)
SELECT day, topic, statements, in_copies, sum(statements) OVER whole_day AS of_all,
    round(1.0 * statements / sum(statements) OVER whole_day, 4) AS share, round(tone_sum / statements, 4) AS tone
FROM by_topic WINDOW whole_day AS (PARTITION BY day);

CREATE OR REPLACE VIEW tone_daily AS
SELECT day, source, sum(statements) AS statements, sum(negative) AS negative, sum(neutral) AS neutral, sum(positive) AS positive,
    round(sum(tone_sum) / sum(statements), 4) AS tone
FROM daily_topics GROUP BY day, source;

CREATE OR REPLACE VIEW top_speakers AS
SELECT speaker, role, said - said_in_copies AS said_in_originals, said, attributions, documents, first_day, last_day
FROM speakers ORDER BY said - said_in_copies DESC, said DESC, attributions DESC, speaker;

CREATE OR REPLACE VIEW carriers AS
SELECT o.day, any_value(o.title) AS title, count(*) AS carriers, string_agg(DISTINCT d.source, ',') AS sources, o.document, any_value(o.uri) AS uri
FROM documents d JOIN documents o ON o.document = coalesce(d.duplicate_of, d.document)
GROUP BY o.day, o.document HAVING count(*) > 1 ORDER BY count(*) DESC, o.document;
