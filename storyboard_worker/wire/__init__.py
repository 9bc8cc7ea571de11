"""The bytes' way over the network: HTTP/1.1 on plain sockets, under httpx's interface.

    transport     what httpx sees: takes a connection that is idle, or dials
    pool          connections that wait for their next request
    dialing       a new connection to one of a host's addresses
    connection    one request and its answer on one connection
    outgoing      a request as the pieces that are sent
    answer        an answer's head and body, taken apart by llhttp
    sockets       TCP and TLS sockets whose every wait ends in time
    resolve       host names to socket addresses

Images are megabytes and many are under way at once, so what a byte costs decides how many a
machine can carry. Each chunk of an answer is what one system call gave, read into a ``bytes``
object of its own and passed on without a copy; over TLS, the records that were there, joined.
"""
