"""Certificates of hosts whose name has an underscore.

Names of buckets and subdomains may have one. In OpenSSL a wildcard matches only letters, digits
and hyphens, and refuses hosts that browsers and curl accept. So the name of such a host is checked
here (RFC 9525, section 6.3): a name in the certificate equals the host, or has ``*`` in place of
the host's first label.
"""

import ssl


def check_name(certificate: dict[str, object], host: str) -> None:
    """Raises :class:`ssl.CertificateError` when the certificate is not for ``host``."""
    names = certificate.get("subjectAltName", ())
    assert isinstance(names, tuple)
    if not any(kind == "DNS" and _stands_for(name, host) for kind, name in names):
        raise ssl.CertificateError(f"the certificate is not for {host}")


def _stands_for(name: str, host: str) -> bool:
    name, host = name.lower(), host.lower()
    _, _, parent = host.partition(".")
    # A wildcard may not cover a whole top-level domain.
    return name == host or ("." in parent and name == f"*.{parent}")
