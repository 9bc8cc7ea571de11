"""Certificates of hosts whose name has an underscore.

Names of buckets and subdomains may have one. In OpenSSL a wildcard matches only letters, digits
and hyphens, and refuses hosts that browsers and curl accept. So the name of such a host is checked
here (RFC 9525, section 6.3): a name in the certificate equals the host, or has ``*`` in place of
the host's first label.
"""

import ssl


def without_names(tls: ssl.SSLContext) -> ssl.SSLContext:
    """A context with the authorities of ``tls``, which leaves the name to :func:`check_name`."""
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
    # A wildcard may not cover a whole top-level domain.
    return name == host or ("." in parent and name == f"*.{parent}")
