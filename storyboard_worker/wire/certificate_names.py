"""Certificates of hosts whose name has an underscore.

Buckets and subdomains may have one. OpenSSL's wildcard stands for letters, digits and hyphens
alone, where browsers and curl connect, so the name of such a host is checked here (RFC 9525,
section 6.3): a name of the certificate is the host's, or ``*`` stands for its first label.
"""

import ssl


def without_names(tls: ssl.SSLContext) -> ssl.SSLContext:
    """A context that trusts whom ``tls`` trusts, and leaves the name to :func:`check_name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = tls.minimum_version
    context.verify_flags = tls.verify_flags
    context.check_hostname = False
    context.load_verify_locations(cadata=b"".join(tls.get_ca_certs(binary_form=True)))
    context.set_alpn_protocols(["http/1.1"])
    return context


def check_name(certificate: dict[str, object], host: str) -> None:
    """Raises :class:`ssl.CertificateError` when the certificate is not for ``host``."""
    names = certificate.get("subjectAltName", ())
    assert isinstance(names, tuple)
    if not any(kind == "DNS" and _stands_for(name, host) for kind, name in names):
        raise ssl.CertificateError(f"the certificate is not for {host}")


def _stands_for(name: str, host: str) -> bool:
    name, host = name.lower(), host.lower()
    _, _, parent = host.partition(".")
    # Not for a whole top-level domain.
    return name == host or ("." in parent and name == f"*.{parent}")
