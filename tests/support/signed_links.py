"""Every kind of signed link that producers hand over, with a signature of our choice in it."""

# Alive until 2031. «SIGNATURE» stands where redaction must find it; after it may come what the
# cloud pads it with.
LINKS = {
    "BytePlus": "/x/0_0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256"
    "&X-Tos-Credential=A%2F20310506%2Fap-southeast-1%2Ftos%2Frequest&X-Tos-Date=20310506T070809Z"
    "&X-Tos-Expires=86400&X-Tos-Signature=SIGNATURE&X-Tos-SignedHeaders=host",
    "Azure": "/private/img.png?st=2031-05-06T06%3A00%3A00Z&se=2031-05-06T08%3A00%3A00Z&sp=r"
    "&sv=2024-11-04&sr=b&sig=SIGNATURE%3D",
    "Alibaba": "/x.png?Expires=1935904089&OSSAccessKeyId=LTAI&Signature=SIGNATURE%3D",
    "Google V2": "/b/x.png?GoogleAccessId=a%40b.iam.gserviceaccount.com&Expires=1935904089"
    "&Signature=SIGNATURE",
    "CloudFront": "/y.png?Expires=1935904089&Signature=SIGNATURE~_&Key-Pair-Id=K1",
    "Tencent": "/z.png?q-sign-algorithm=sha1&q-ak=AKID&q-sign-time=1935900489;1935904089"
    "&q-key-time=1935900489;1935904089&q-header-list=host&q-url-param-list="
    "&q-signature=SIGNATURE",
    "ByteDance": "/tos-cn-i/x~tplv.image?rk3s=1&x-expires=1935904089&x-signature=SIGNATURE%3D",
    "Supabase": "/storage/v1/object/sign/b/x.png?token=SIGNATURE.SIGNATURE.SIGNATURE",
    "Cloudinary": "/demo/image/upload/s--SIGNATURE--/v1/x.png",
}


# As long as a real signature, and unlike any other text.
SIGNATURE = "c0ffeeC0FFEE0123456789c0ffeeC0FFEE0123456789"


def target_of(kind: str, signature: str = SIGNATURE) -> str:
    """Path and query of a link."""
    return LINKS[kind].replace("SIGNATURE", signature)


def quotations(target: str) -> list[str]:
    """The forms in which upstreams repeat ``target``, a path with its query: whole, cut, quoted."""
    path, _, query = target.partition("?")
    last = target.rpartition("&")[2] if "&" in target else query
    in_percent = query.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return [
        f"GET {target} HTTP/1.1",
        f"no right to {path}",
        f"canonical query: {query}",
        f"parameter {last} is refused",
        '{"url": "' + target.replace("&", r"\u0026").replace("=", r"\u003d") + '"}',
        query.replace("&", r"\u0026"),
        f"<a href='{target.replace('&', '&amp;')}'>",
        query.replace("&", "&amp;"),
        f"next={path.replace('/', '%2F')}%3F{in_percent}",
        in_percent.replace("%", "%25"),
        "&".join(reversed(query.split("&"))),
        target.replace("/", r"\/"),
    ]
