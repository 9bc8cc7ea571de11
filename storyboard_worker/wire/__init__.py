"""HTTP/1.1 over plain sockets, with httpx's errors.

    transport          sends a request over an idle connection, or dials
    request            a request: its target and its head
    reply              what comes back for it
    pool               connections that wait for their next request
    dialing            a new connection to one of a host's addresses
    connection         one request and its answer on one connection
    outgoing           a request as the pieces that are sent
    answer             an answer's head and body, parsed by llhttp
    sockets            TCP and TLS sockets whose every wait has an end
    pace               how fast a peer has to send and to receive
    deadline           the hard end of one attempt, which bounds every wait
    resolve            host names to socket addresses
    tls_sessions       sessions that make the next handshake cheaper
    certificate_names  the names of a certificate, for hosts with an underscore

Images are megabytes large and many are copied at once, so the cost of a byte decides how many
images a machine can copy. A chunk of an answer is the result of one system call. It is a
``bytes`` object of its own and is passed on without a copy. Over TLS, a chunk is the records that
have arrived, joined.
"""
