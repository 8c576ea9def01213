filedesc://crawl.arc 0.0.0.0 20310306020000 text/plain 69
1 0 Gazette
URL IP-address Archive-date Content-type Archive-length


https://gazette.example/2031/library-roof 192.0.2.7 20310306020001 text/html 1196
HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8

<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Library roof to be mended before the rains | The Estuary Gazette</title>
<meta property="og:title" content="Library roof to be mended before the rains">
<meta property="og:site_name" content="The Estuary Gazette">
<meta property="article:published_time" content="2031-03-05T18:05:00+01:00">
<meta property="article:section" content="Culture">
<meta name="author" content="Jonas Peel">
<link rel="canonical" href="https://gazette.example/2031/library-roof">
</head>
<body>
<nav><a href="/">Home</a> <a href="/local">Local</a> <a href="/culture">Culture</a></nav>
<article>
<h1>Library roof to be mended before the rains</h1>
<p>Work on the leaking roof of the Anselm town library begins next week, the council said on Wednesday.</p>
<p>The repair costs 240,000 crowns, a third more than planned. Councillor Petra Lind called the price “painful, but cheaper than wet books”.</p>
<p>The reading room stays open. The children's corner moves to the town hall until June, librarian Otto Brandt said.</p>
</article>
<footer>All rights reserved.</footer>
</body>
</html>

