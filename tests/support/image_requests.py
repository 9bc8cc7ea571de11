"""Requests for images, as bytes."""

ID = "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a"
CHINESE = b"Accept-Language: zh-CN,zh;q=0.9\r\n"


def asked(query: bytes = b"", headers: bytes = b"", *, id_: object = ID) -> bytes:
    path = b"/api/storyboards/%b/image%b" % (str(id_).encode(), query)
    return b"GET %b HTTP/1.1\r\nHost: a.example\r\n%b\r\n" % (path, headers)
