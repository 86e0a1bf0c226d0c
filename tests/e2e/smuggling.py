"""Requests of doubtful framing or syntax as raw bytes, and what RFC 9112 and RFC 9110 say of each.

What is to come through has the target /v; what must never be seen as a request of its own has /canary.
"""

import dataclasses

# Stands for the balancer's name, which has as many characters: lengths stay right.
HOST = b"corpus.example.com"
CANARY = b"GET /canary HTTP/1.1\r\nHost: " + HOST + b"\r\n\r\n"
# Beyond what any proxy takes as one field or all fields.
LONG = b"a" * 100_000

# What becomes of the request.
ACCEPT = "accept"  # it reaches the origin, whole and clean
REFUSE = "refuse"  # an error or the end of the connection; the origin never sees it whole
EITHER = "either"  # the RFC leaves the choice; what reaches the origin is clean

# What becomes of the next request of the same connection.
SERVED = "served"
ENDED = "ended"  # the connection ends before it
OPEN = "open"  # served or not


@dataclasses.dataclass(frozen=True)
class Vector:
    name: str
    section: str
    verdict: str
    raw: bytes
    after: str
    body: bytes | None = None  # what the origin must have got when it got the request
    slowly: bool = True  # also sent byte by byte

    def __str__(self):
        return f"{self.name} [{self.section}]"


def accept(name, section, raw, body=b"", after=SERVED, **more):
    return Vector(name, section, ACCEPT, raw, after, body, **more)


def refuse(name, section, raw, after=ENDED, **more):
    return Vector(name, section, REFUSE, raw, after, **more)


def either(name, section, raw, body=None, after=OPEN, **more):
    return Vector(name, section, EITHER, raw, after, body, **more)


def head(*lines, start=b"GET /v HTTP/1.1", host=b"Host: " + HOST):
    fields = [start, *([host] if host else []), *lines]
    return b"\r\n".join(fields) + b"\r\n\r\n"


def post(*lines, body=b"", **more):
    return head(*lines, start=b"POST /v HTTP/1.1", **more) + body


def sized(*lines, body=b"hello"):
    """Lines that are to make a body of five bytes, and five bytes."""
    return post(*lines, body=body)


CHUNKED = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
LENGTH = b"Content-Length: %d" % len(END + CANARY)


def hidden(*lines):
    """By length the canary is the body; by chunks it is a request."""
    return post(*lines, body=END + CANARY)


def chunks(data, *lines):
    return post(CHUNKED, *lines, body=data)


HELLO = b"5\r\nhello\r\n0\r\n\r\n"
ONE = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CANARY), CANARY)

BOTH = [  # a server may refuse, or go by Transfer-Encoding and close: 6.1, 6.3 item 3
    either("CL.TE", "9112 6.3", hidden(LENGTH, CHUNKED), b"", ENDED),
    either("TE before CL", "9112 6.3", hidden(CHUNKED, LENGTH), b"", ENDED),
    either("TE.CL", "9112 6.3", post(b"Content-Length: 4", CHUNKED, body=ONE), CANARY, ENDED),
    either("CL 0 and TE", "9112 6.3", post(b"Content-Length: 0", CHUNKED, body=ONE), CANARY, ENDED),
    either("GET with both", "9112 6.3", head(LENGTH, CHUNKED) + END + CANARY, b"", ENDED),
    refuse("CL twice and TE", "9112 6.3", hidden(LENGTH, b"Content-Length: 0", CHUNKED)),
    either("TE in HTTP/1.0", "9112 6.1", head(CHUNKED, start=b"POST /v HTTP/1.0") + END + CANARY, after=ENDED),
    either("both in HTTP/1.0", "9112 6.1", head(LENGTH, CHUNKED, start=b"POST /v HTTP/1.0") + END + CANARY, after=ENDED),
    either("TE in HTTP/1.0 with keep-alive", "9112 6.1",
           head(CHUNKED, b"Connection: keep-alive", start=b"POST /v HTTP/1.0") + END + CANARY, after=ENDED),
    refuse("CL and chunked that is not last", "9112 6.3", hidden(LENGTH, b"Transfer-Encoding: chunked, gzip")),
    refuse("CL and TE identity", "9112 6.1", hidden(LENGTH, b"Transfer-Encoding: identity")),
    either("CL and an empty TE", "9110 5.6.1", hidden(LENGTH, b"Transfer-Encoding:"), END + CANARY),
    accept("CL and TE with an underscore, which is another field", "9110 5.1", hidden(LENGTH, b"Transfer_Encoding: chunked"),
           END + CANARY),
]

CODINGS = [
    accept("no space before the value", "9112 5", chunks(HELLO).replace(b": chunked", b":chunked"), b"hello"),
    accept("a tab before the value", "9112 5", chunks(HELLO).replace(b": chunked", b":\tchunked"), b"hello"),
    accept("space behind the value", "9112 5", chunks(HELLO).replace(b": chunked", b": chunked \t"), b"hello"),
    accept("upper case", "9112 7", chunks(HELLO).replace(b": chunked", b": CHUNKED"), b"hello"),
    either("an empty list element before", "9110 5.6.1", post(b"Transfer-Encoding: , chunked", body=HELLO), b"hello"),
    either("an empty list element behind", "9110 5.6.1", post(b"Transfer-Encoding: chunked,", body=HELLO), b"hello"),
    *(refuse(name, section, hidden(LENGTH, line)) for name, section, line in [
        ("space before the colon", "9112 5.1", b"Transfer-Encoding : chunked"),
        ("tab before the colon", "9112 5.1", b"Transfer-Encoding\t: chunked"),
        ("CR before the colon", "9112 5.1", b"Transfer-Encoding\r: chunked"),
        ("NUL before the colon", "9112 5.1", b"Transfer-Encoding\0: chunked"),
        ("an unknown coding", "9112 6.1", b"Transfer-Encoding: xchunked"),
        ("letters behind", "9112 6.1", b"Transfer-Encoding: chunkedx"),
        ("cut short", "9112 6.1", b"Transfer-Encoding: chunk"),
        ("a parameter", "9112 7.1", b"Transfer-Encoding: chunked;q=1"),
        ("quoted", "9112 7", b'Transfer-Encoding: "chunked"'),
        ("quoted once", "9112 7", b"Transfer-Encoding: 'chunked'"),
        ("vertical tab", "9110 5.5", b"Transfer-Encoding: \x0bchunked"),
        ("form feed", "9110 5.5", b"Transfer-Encoding: \x0cchunked"),
        ("NUL behind", "9110 5.5", b"Transfer-Encoding: chunked\0"),
        ("a no-break space", "9110 5.5", b"Transfer-Encoding: \xa0chunked"),
        ("chunked twice", "9112 7.1", b"Transfer-Encoding: chunked, chunked"),
        ("two words", "9112 7", b"Transfer-Encoding: chunked identity"),
        ("a coding before it that nobody knows", "9112 6.1", b"Transfer-Encoding: x, chunked"),
    ]),
    refuse("two lines, both chunked", "9112 7.1", chunks(HELLO, b"Transfer-Encoding: chunked")),
    refuse("two lines, the other first", "9112 6.1", post(b"Transfer-Encoding: identity", CHUNKED, body=HELLO)),
    refuse("two lines, the other last", "9112 6.3", chunks(HELLO, b"transfer-encoding: identity")),
    refuse("chunked not last", "9112 6.3", post(b"Transfer-Encoding: chunked, gzip", body=HELLO)),
    refuse("only another coding", "9112 6.3", post(b"Transfer-Encoding: gzip", body=HELLO)),
    either("folded into the line before", "9112 5.2", hidden(LENGTH, b"X: a", b" Transfer-Encoding: chunked"), END + CANARY),
    either("its value folded", "9112 5.2", post(b"Transfer-Encoding:\r\n chunked", body=HELLO), b"hello"),
    either("behind a bare LF", "9112 2.2", hidden(LENGTH, b"X: a\nTransfer-Encoding: chunked"), after=ENDED),
    either("behind a bare CR", "9112 2.2", hidden(LENGTH, b"X: a\rTransfer-Encoding: chunked"), END + CANARY),
]

LENGTHS = [
    accept("five", "9112 6.2", sized(b"Content-Length: 5"), b"hello"),
    accept("tab before", "9112 5", sized(b"Content-Length:\t5"), b"hello"),
    accept("space behind", "9112 5", sized(b"Content-Length: 5 "), b"hello"),
    either("leading zeros", "9110 8.6", sized(b"Content-Length: 005"), b"hello"),
    either("more leading zeros than digits of 64 bits", "9110 8.6", sized(b"Content-Length: " + b"0" * 30 + b"5"), b"hello"),
    either("the same twice", "9112 6.3", sized(b"Content-Length: 5", b"Content-Length: 5"), b"hello"),
    either("the same as a list", "9110 8.6", sized(b"Content-Length: 5, 5"), b"hello"),
    either("content of a GET", "9110 9.3.1", head(b"Content-Length: %d" % len(CANARY)) + CANARY, CANARY),
    either("content of a HEAD", "9110 9.3.2", head(b"Content-Length: 5", start=b"HEAD /v HTTP/1.1") + b"hello", b"hello"),
    either("no length at all is no content", "9112 6.3", post(), b""),
    *(refuse(name, section, sized(*lines)) for name, section, *lines in [
        ("two that differ", "9112 6.3", b"Content-Length: 5", b"Content-Length: 6"),
        ("two that differ, zero first", "9112 6.3", b"Content-Length: 0", b"Content-Length: 5"),
        ("two that differ in case as well", "9112 6.3", b"Content-Length: 0", b"content-length: 5"),
        ("a list that differs", "9112 6.3", b"Content-Length: 5, 6"),
        ("a list with an empty element", "9112 6.3", b"Content-Length: 5,"),
        ("plus", "9110 8.6", b"Content-Length: +5"),
        ("minus", "9110 8.6", b"Content-Length: -5"),
        ("minus zero", "9110 8.6", b"Content-Length: -0"),
        ("hexadecimal", "9110 8.6", b"Content-Length: 0x5"),
        ("a letter behind", "9110 8.6", b"Content-Length: 5a"),
        ("a word", "9110 8.6", b"Content-Length: five"),
        ("a space within", "9110 8.6", b"Content-Length: 5 5"),
        ("a fraction", "9110 8.6", b"Content-Length: 5.0"),
        ("an exponent", "9110 8.6", b"Content-Length: 5e0"),
        ("a parameter", "9110 8.6", b"Content-Length: 5;x"),
        ("quoted", "9110 8.6", b'Content-Length: "5"'),
        ("empty", "9110 8.6", b"Content-Length:"),
        ("2^64 + 5", "9110 8.6", b"Content-Length: 18446744073709551621"),
        ("2^63", "9110 8.6", b"Content-Length: 9223372036854775808"),
        ("40 digits", "9110 8.6", b"Content-Length: " + b"9" * 40),
        ("a digit of another script", "9110 8.6", "Content-Length: ５".encode()),
        ("NUL behind", "9110 5.5", b"Content-Length: 5\0"),
        ("a vertical tab", "9110 5.5", b"Content-Length: \x0b5"),
        ("space before the colon", "9112 5.1", b"Content-Length : 5"),
        ("folded", "9112 5.2", b"Content-Length: 5\r\n 5"),
        ("a good one behind a bad one", "9112 6.3", b"Content-Length: x", b"Content-Length: 5"),
    ]),
]


def size_line(line):
    return chunks(line + b"hello\r\n" + END)


CHUNKS = [
    accept("one chunk", "9112 7.1", chunks(HELLO), b"hello"),
    accept("two chunks", "9112 7.1", chunks(b"2\r\nhe\r\n3\r\nllo\r\n" + END), b"hello"),
    accept("none", "9112 7.1", chunks(END), b""),
    accept("a request as data", "9112 7.1", chunks(ONE), CANARY),
    accept("hexadecimal of both cases", "9112 7.1", chunks(b"A\r\n0123456789\r\na\r\n0123456789\r\n" + END),
           b"0123456789" * 2),
    accept("leading zeros", "9112 7.1", size_line(b"005\r\n"), b"hello"),
    accept("an extension", "9112 7.1.1", size_line(b"5;a=b\r\n"), b"hello"),
    accept("a quoted extension", "9112 7.1.1", size_line(b'5;a="b;c"\r\n'), b"hello"),
    accept("a last chunk of many zeros", "9112 7.1", chunks(b"5\r\nhello\r\n000\r\n\r\n"), b"hello"),
    accept("a trailer", "9112 7.1.2", chunks(b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), b"hello"),
    either("more leading zeros than digits of 64 bits", "9112 7.1", size_line(b"0" * 30 + b"5\r\n"), b"hello"),
    either("space behind the size", "9112 7.1.1", size_line(b"5 \r\n"), b"hello"),
    either("space around the extension", "9112 7.1.1", size_line(b"5 ; a = b\r\n"), b"hello"),
    *(refuse(name, section, size_line(line)) for name, section, line in [
        ("minus", "9112 7.1", b"-5\r\n"),
        ("plus", "9112 7.1", b"+5\r\n"),
        ("0x", "9112 7.1", b"0x5\r\n"),
        ("no hexadecimal digit", "9112 7.1", b"g\r\n"),
        ("a letter behind", "9112 7.1", b"5g\r\n"),
        ("space before the size", "9112 7.1", b" 5\r\n"),
        ("two sizes", "9112 7.1", b"5 5\r\n"),
        ("no size", "9112 7.1", b"\r\n"),
        ("an extension and no size", "9112 7.1", b";a=b\r\n"),
        ("a comma", "9112 7.1", b"5,\r\n"),
        ("a digit of another script", "9112 7.1", "５\r\n".encode()),
        ("NUL", "9112 7.1", b"5\0\r\n"),
        ("bare LF", "9112 7.1", b"5\n"),
        ("bare CR", "9112 7.1", b"5\r"),
        ("CR CR LF", "9112 7.1", b"5\r\r\n"),
        ("2^64 + 5", "9112 7.1", b"10000000000000005\r\n"),
        ("2^64 - 1", "9112 7.1", b"ffffffffffffffff\r\n"),
        ("2^63", "9112 7.1", b"8000000000000000\r\n"),
        ("40 digits", "9112 7.1", b"f" * 40 + b"\r\n"),
        ("an extension that ends with a bare LF", "9112 7.1.1", b"5;a\n"),
        ("an extension with a bare LF within", "9112 7.1.1", b"5;a\nb\r\n"),
        ("an extension with a bare CR within", "9112 7.1.1", b"5;a\rb\r\n"),
        ("an extension with NUL", "9112 7.1.1", b"5;a\0\r\n"),
        ("an extension without a semicolon", "9112 7.1.1", b"5 a=b\r\n"),
    ]),
    refuse("an endless extension", "9112 7.1.1", size_line(b"5;" + LONG + b"\r\n"), slowly=False),
    refuse("no CRLF behind the data", "9112 7.1", chunks(b"5\r\nhello" + END)),
    refuse("bytes behind the data", "9112 7.1", chunks(b"5\r\nhelloXX" + END)),
    refuse("bare LF behind the data", "9112 7.1", chunks(b"5\r\nhello\n" + END)),
    refuse("bare CR behind the data", "9112 7.1", chunks(b"5\r\nhello\r" + END)),
    refuse("two bytes instead of CRLF, a canary behind", "9112 7.1", chunks(b"5\r\nhelloXX0\r\n\r\n" + CANARY)),
    refuse("more data than said", "9112 7.1", chunks(b"3\r\nhello\r\n" + END)),
    refuse("bare LF behind the last chunk", "9112 7.1", chunks(b"5\r\nhello\r\n0\n\r\n")),
    refuse("a size of minus zero at the end", "9112 7.1", chunks(b"5\r\nhello\r\n-0\r\n\r\n")),
]


def trailer(*lines):
    return chunks(b"5\r\nhello\r\n0\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")


TRAILERS = [  # what frames or routes is merged into nothing and forwarded to nobody: 6.5
    either("Content-Length", "9110 6.5.1", trailer(b"Content-Length: 5"), b"hello"),
    either("Transfer-Encoding", "9110 6.5.1", trailer(CHUNKED), b"hello"),
    either("Host", "9110 6.5.1", trailer(b"Host: evil.example"), b"hello"),
    either("Connection", "9110 6.5.1", trailer(b"Connection: keep-alive"), b"hello"),
    either("Trailer", "9110 6.5.1", trailer(b"Trailer: x"), b"hello"),
    either("folded", "9112 5.2", trailer(b"X: a", b" b"), b"hello"),
    either("NUL in a value", "9110 5.5", trailer(b"X: a\0b"), b"hello"),
    either("bare CR in a value", "9110 5.5", trailer(b"X: a\rb"), b"hello"),
    refuse("space in a name", "9110 5.1", trailer(b"X Y: 1")),
    refuse("space before the colon", "9112 5.1", trailer(b"X : 1")),
    refuse("no colon", "9112 5", trailer(b"nothing")),
    refuse("a request line", "9112 5", chunks(b"0\r\n" + CANARY)),
    refuse("an endless one", "9110 6.5", trailer(b"X: " + LONG), slowly=False),
]


def field(line):
    """A request with one line of doubt between two good ones."""
    return head(b"X-A: a", line, b"X-B: b")


DELIMITERS = b'"(),/;<=>?@[\\]{}'

FIELDS = [
    accept("an empty value", "9110 5.5", field(b"X:")),
    accept("a tab within a value", "9110 5.5", field(b"X: a\tb")),
    accept("obs-text in a value", "9110 5.5", field(b"X: \xe9")),
    accept("every token character in a name", "9110 5.6.2", field(b"!#$%&'*+-.^_`|~09azAZ: 1")),
    *(either(name, section, field(line)) for name, section, line in [
        ("folded", "9112 5.2", b"X: a\r\n b"),
        ("folded with a tab", "9112 5.2", b"X: a\r\n\tb"),
        ("folded into a line that looks like a field", "9112 5.2", b"X: a\r\n Content-Length: 50"),
        ("a line of spaces only", "9112 5.2", b"X: a\r\n   "),
        ("bare LF behind a value", "9112 2.2", b"X: a\nX-C: c"),
        ("bare CR within a value", "9112 2.2", b"X: a\rb"),
        ("bare CR before CRLF", "9112 2.2", b"X: a\r"),
        ("NUL in a value", "9110 5.5", b"X: a\0b"),
        ("SOH in a value", "9110 5.5", b"X: a\x01b"),
        ("backspace in a value", "9110 5.5", b"X: a\x08b"),
        ("escape in a value", "9110 5.5", b"X: a\x1bb"),
        ("DEL in a value", "9110 5.5", b"X: a\x7fb"),
    ]),
    *(refuse(name, section, field(line)) for name, section, line in [
        ("no colon", "9112 5", b"nothing"),
        ("no name", "9112 5", b": 1"),
        ("space before the colon", "9112 5.1", b"X : 1"),
        ("tab before the colon", "9112 5.1", b"X\t: 1"),
        ("space in a name", "9110 5.1", b"X Y: 1"),
        ("NUL in a name", "9110 5.1", b"X\0Y: 1"),
        ("SOH in a name", "9110 5.1", b"X\x01Y: 1"),
        ("DEL in a name", "9110 5.1", b"X\x7fY: 1"),
        ("bare CR in a name", "9110 5.1", b"X\rY: 1"),
        ("a letter beyond ASCII in a name", "9110 5.1", "é: 1".encode()),
        ("a second request line", "9112 5", b"GET /canary HTTP/1.1"),
    ]),
    *(refuse(f"{chr(byte)} in a name", "9110 5.1", field(b"X%cY: 1" % byte)) for byte in DELIMITERS),
    either("space before the first field", "9112 2.2", head(b"X: 1").replace(b"Host", b" Host")),
    either("space before the first field, which hides another Host", "9112 2.2",
           head(b"Host: " + HOST, host=b" Host: evil.example")),
    either("bare LF everywhere", "9112 2.2", head(b"X: 1").replace(b"\r\n", b"\n")),
    either("bare LF before the empty line", "9112 2.2", b"GET /v HTTP/1.1\r\nHost: " + HOST + b"\n\r\n"),
    either("an empty line of a bare LF", "9112 2.2", b"GET /v HTTP/1.1\r\nHost: " + HOST + b"\r\n\n"),
    refuse("bare CR everywhere", "9112 2.2", head(b"X: 1").replace(b"\r\n", b"\r")),
    refuse("an endless value", "6585 5", field(b"X: " + LONG), slowly=False),
    refuse("an endless name", "6585 5", field(LONG + b": 1"), slowly=False),
    refuse("fields without end", "6585 5", head(*[b"X-%d: 1" % number for number in range(5_000)]), slowly=False),
]


def line(start, *lines):
    return head(*lines, start=start)


LINES = [
    accept("an empty line before", "9112 2.2", b"\r\n" + head()),
    accept("absolute form", "9112 3.2.2", line(b"GET http://" + HOST + b"/v HTTP/1.1")),
    accept("HTTP/1.0", "9110 2.5", line(b"GET /v HTTP/1.0"), after=ENDED),
    either("HTTP/1.0 without Host", "9112 3.2", head(start=b"GET /v HTTP/1.0", host=None), after=ENDED),
    *(either(name, section, line(start), b"") for name, section, start in [
        ("two empty lines before", "9112 2.2", b"\r\n\r\nGET /v HTTP/1.1"),
        ("an empty line of a bare LF before", "9112 2.2", b"\nGET /v HTTP/1.1"),
        ("space before", "9112 3", b" GET /v HTTP/1.1"),
        ("two spaces", "9112 3", b"GET  /v HTTP/1.1"),
        ("two spaces before the version", "9112 3", b"GET /v  HTTP/1.1"),
        ("tabs", "9112 3", b"GET\t/v\tHTTP/1.1"),
        ("space behind", "9112 3", b"GET /v HTTP/1.1 "),
        ("a method of lower case", "9110 9.1", b"get /v HTTP/1.1"),
        ("a method that nobody knows", "9110 9.1", b"BREW /v HTTP/1.1"),
        ("TRACE", "9110 9.3.8", b"TRACE /v HTTP/1.1"),
        ("a fragment", "9112 3.2", b"GET /v#canary HTTP/1.1"),
        ("a letter beyond ASCII in the target", "9112 3.2", b"GET /v\xe9 HTTP/1.1"),
        ("version 1.2", "9110 2.5", b"GET /v HTTP/1.2"),
        ("OPTIONS *", "9112 3.2.4", b"OPTIONS * HTTP/1.1"),
        ("absolute form of https on a port without TLS", "9112 3.2.2", b"GET https://" + HOST + b"/v HTTP/1.1"),
        ("absolute form with user information", "9110 4.2.4", b"GET http://user@" + HOST + b"/v HTTP/1.1"),
        ("absolute form of another scheme", "9112 3.2.2", b"GET ftp://" + HOST + b"/v HTTP/1.1"),
    ]),
    either("absolute form with another Host", "9112 3.2.2",
           head(start=b"GET http://" + HOST + b"/v HTTP/1.1", host=b"Host: evil.example")),
    either("absolute form of another host", "9112 3.2.2", line(b"GET http://evil.example/v HTTP/1.1")),
    *(refuse(name, section, line(start)) for name, section, start in [
        ("no method", "9112 3", b"/v HTTP/1.1"),
        ("no target", "9112 3", b"GET HTTP/1.1"),
        ("an empty target", "9112 3", b"GET  HTTP/1.1"),
        ("a space in the target", "9112 3.2", b"GET /v x HTTP/1.1"),
        ("two targets", "9112 3.2", b"GET /v /canary HTTP/1.1"),
        ("two versions", "9112 3.2", b"GET /v HTTP/1.1 HTTP/1.1"),
        ("NUL in the method", "9110 9.1", b"G\0ET /v HTTP/1.1"),
        ("SOH in the method", "9110 9.1", b"G\x01ET /v HTTP/1.1"),
        ("a colon in the method", "9110 9.1", b"GET: /v HTTP/1.1"),
        ("a bracket in the method", "9110 9.1", b"G(T /v HTTP/1.1"),
        ("a letter beyond ASCII in the method", "9110 9.1", b"G\xc9T /v HTTP/1.1"),
        ("NUL in the target", "9112 3.2", b"GET /v\0 HTTP/1.1"),
        ("SOH in the target", "9112 3.2", b"GET /v\x01 HTTP/1.1"),
        ("DEL in the target", "9112 3.2", b"GET /v\x7f HTTP/1.1"),
        ("a tab in the target", "9112 3.2", b"GET /v\tx HTTP/1.1"),
        ("bare CR in the target", "9112 3.2", b"GET /v\rx HTTP/1.1"),
        ("a relative target", "9112 3.2", b"GET v HTTP/1.1"),
        ("a query alone", "9112 3.2", b"GET ?v HTTP/1.1"),
        ("version 0.9", "9110 2.5", b"GET /v HTTP/0.9"),
        ("version 2.0", "9110 15.6.6", b"GET /v HTTP/2.0"),
        ("version 3.0", "9110 15.6.6", b"GET /v HTTP/3.0"),
        ("a version of lower case", "9112 2.3", b"GET /v http/1.1"),
        ("a version of one digit", "9112 2.3", b"GET /v HTTP/1"),
        ("a version of three digits", "9112 2.3", b"GET /v HTTP/1.10"),
        ("a version with leading zero", "9112 2.3", b"GET /v HTTP/01.1"),
        ("a version with a comma", "9112 2.3", b"GET /v HTTP/1,1"),
        ("another protocol", "9112 2.3", b"GET /v ICY/1.1"),
        ("letters behind the version", "9112 2.3", b"GET /v HTTP/1.1x"),
    ]),
    # Well formed and yet no requests; where they end is clear.
    *(refuse(name, section, line(start), after=OPEN) for name, section, start in [
        ("* of GET", "9112 3.2.4", b"GET * HTTP/1.1"),
        ("absolute form without a host", "9110 4.2.1", b"GET http:///v HTTP/1.1"),
        ("authority form of GET", "9112 3.2.3", b"GET " + HOST + b":80 HTTP/1.1"),
        ("CONNECT", "9110 9.3.6", b"CONNECT " + HOST + b":80 HTTP/1.1"),
        ("CONNECT of a path", "9112 3.2.3", b"CONNECT /v HTTP/1.1"),
    ]),
    refuse("HTTP/0.9", "9112 3", b"GET /v\r\n"),
    refuse("an endless method", "9112 3", line(LONG + b" /v HTTP/1.1"), slowly=False),
    refuse("an endless target", "9110 15.5.15", line(b"GET /v" + LONG + b" HTTP/1.1"), slowly=False),
    refuse("a TLS greeting", "9112 3", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n"),
    refuse("a PROXY line from a stranger", "9112 3", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" + head()),
]


def named(value):
    return head(host=b"Host: " + value)


HOSTS = [
    accept("upper case", "9110 4.2.3", named(HOST.upper())),
    accept("a port", "9112 3.2", named(HOST + b":80")),
    either("an empty port", "9110 4.2.3", named(HOST + b":"), b""),
    either("a dot behind", "9110 4.2", named(HOST + b"."), b""),
    either("folded", "9112 5.2", head(host=b"Host:\r\n " + HOST), b""),
    either("a port that there is not", "3986 3.2.3", named(HOST + b":99999"), b""),
    *(refuse(name, section, raw, after=OPEN) for name, section, raw in [
        ("none", "9112 3.2", head(host=None)),
        ("the same twice", "9112 3.2", head(b"Host: " + HOST)),
        ("two that differ", "9112 3.2", head(b"Host: evil.example")),
        ("two that differ, ours last", "9112 3.2", head(b"Host: " + HOST, host=b"Host: evil.example")),
        ("two of different case", "9112 3.2", head(b"host: evil.example")),
        ("user information", "9112 3.2", named(b"user@" + HOST)),
        ("space within", "9112 3.2", named(HOST + b" evil.example")),
        ("a tab within", "9112 3.2", named(HOST + b"\tevil.example")),
        ("a port of letters", "9112 3.2", named(HOST + b":abc")),
        ("a negative port", "9112 3.2", named(HOST + b":-1")),
        ("two ports", "9112 3.2", named(HOST + b":80:80")),
        ("a path", "9112 3.2", named(HOST + b"/canary")),
        ("a query", "9112 3.2", named(HOST + b"?canary")),
        ("a fragment", "9112 3.2", named(HOST + b"#canary")),
        ("a scheme", "9112 3.2", named(b"http://" + HOST)),
        ("half an address", "9112 3.2", named(b"[::1")),
    ]),
    refuse("NUL", "9110 5.5", named(HOST + b"\0")),
    refuse("space before the colon", "9112 5.1", head(host=b"Host : " + HOST)),
    refuse("empty", "9112 3.2", named(b""), after=OPEN),
    refuse("a list", "9112 3.2", named(HOST + b",evil.example"), after=OPEN),
    refuse("an encoded NUL", "9112 3.2", named(HOST + b"%00"), after=OPEN),
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")

# The origin upgrades nothing, so all that follows is HTTP/1.1 and the proxy's to read.
UPGRADES = [
    accept("h2c", "9110 7.8", head(*H2C)),
    accept("h2c and its preface at once", "9113 3.1", head(*H2C) + PREFACE, after=ENDED),
    accept("h2c with content", "9110 7.8", post(*H2C, b"Content-Length: %d" % len(CANARY), body=CANARY), CANARY),
    either("h2c without Connection", "9110 7.8", head(*H2C[1:]), b""),
    either("h2c without settings", "9110 7.8", head(b"Connection: Upgrade", b"Upgrade: h2c"), b""),
    accept("WebSocket", "6455 4.2.1", head(*WEBSOCKET, b"Sec-WebSocket-Version: 13")),
    accept("WebSocket of no version that there is", "6455 4.2.2", head(*WEBSOCKET, b"Sec-WebSocket-Version: 777")),
    either("WebSocket of POST with content", "6455 4.1",
           post(*WEBSOCKET, b"Sec-WebSocket-Version: 13", b"Content-Length: 5", body=b"hello"), b"hello"),
    either("WebSocket of POST with chunks", "6455 4.1",
           post(*WEBSOCKET, b"Sec-WebSocket-Version: 13", CHUNKED, body=ONE), CANARY),
    accept("TLS", "9110 7.8", head(b"Connection: Upgrade", b"Upgrade: TLS/1.2")),
    accept("two protocols", "9110 7.8", head(b"Connection: Upgrade", b"Upgrade: websocket, h2c")),
    either("the HTTP/2 preface in place of a request", "9113 3.4", PREFACE + CANARY),
    either("HTTP2-Settings twice", "9113 3.1", head(*H2C, b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), b""),
]

HOPS = [  # fields of one hop, and those who try to make the next hop's fields of one hop: 9110 7.6.1
    accept("the proxy's own fields", "9110 7.6.1",
           head(b"Connection: close, X-Forwarded-For, CF-Connecting-IP"), after=ENDED),
    either("Host", "9110 7.6.1", head(b"Connection: Host"), b""),
    either("Content-Length", "9110 7.6.1", sized(b"Connection: Content-Length", b"Content-Length: 5"), b"hello"),
    either("Transfer-Encoding", "9110 7.6.1", chunks(HELLO, b"Connection: Transfer-Encoding"), b"hello"),
    accept("Keep-Alive", "9112 C.2.2", head(b"Connection: keep-alive", b"Keep-Alive: timeout=5")),
    accept("Proxy-Connection", "9112 C.2.2", head(b"Proxy-Connection: keep-alive")),
    accept("TE", "9110 10.1.4", head(b"Connection: TE", b"TE: trailers")),
    accept("close", "9112 9.6", head(b"Connection: close"), after=ENDED),
    either("Connection folded", "9112 5.2", head(b"Connection: keep-alive,\r\n X"), b""),
    accept("Expect with content", "9110 10.1.1", sized(b"Expect: 100-continue", b"Content-Length: 5"), b"hello"),
    accept("Expect with a request as content", "9110 10.1.1",
           post(b"Expect: 100-continue", b"Content-Length: %d" % len(CANARY), body=CANARY), CANARY),
    accept("Expect with chunks", "9110 10.1.1", chunks(HELLO, b"Expect: 100-continue"), b"hello"),
    accept("Expect without content", "9110 10.1.1", head(b"Expect: 100-continue")),
    either("Expect of something else", "9110 10.1.1", sized(b"Expect: 200-ok", b"Content-Length: 5"), b"hello"),
    either("Expect twice", "9110 10.1.1",
           sized(b"Expect: 100-continue", b"Expect: 100-continue", b"Content-Length: 5"), b"hello"),
    either("Expect in HTTP/1.0", "9110 10.1.1",
           head(b"Expect: 100-continue", b"Content-Length: 5", start=b"POST /v HTTP/1.0") + b"hello", b"hello", ENDED),
    refuse("Expect and two lengths", "9112 6.3",
           sized(b"Expect: 100-continue", b"Content-Length: 5", b"Content-Length: 6")),
]
