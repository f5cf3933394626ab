"""Login with a certificate: the key signs the network's nonce, and the access token stays in memory."""

import re
from base64 import b64encode
from datetime import datetime

from bidclient.crypto.private_key import PrivateKey
from bidclient.errors import BadFormat
from bidclient.network.transport import Transport, new_idempotency_key
from bidclient.network.wire import CertificateLogin, Challenge, Session
from bidclient.stages.submitted import login_statement, statement_bytes

_TOKEN = re.compile("[A-Za-z0-9._~+/=-]+")


class Login:
    """Who we are to the network."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def with_certificate(self, network: str, key: PrivateKey, signing_time: datetime) -> Session:
        """Log in as the organisation of the key's certificate; later requests carry the token.

        `network` is NetworkInfo.id: a nonce signed for one network is of no use to another.
        Raises KeyProblem, NetworkProblem, BadFormat.
        """
        challenge = self._transport.post("/v1/challenges", None, Challenge, new_idempotency_key())
        statement = statement_bytes(login_statement(network, challenge.nonce), key, signing_time)
        body = CertificateLogin(b64encode(statement).decode())
        session = self._transport.post("/v1/login/certificate", body, Session)
        if not _TOKEN.fullmatch(session.access_token):
            raise BadFormat("the reply to a login", "no access token (RFC 6750, 2.1)")
        self._transport.token = session.access_token
        return session

    def resume(self, access_token: str) -> Session:
        """Go on with the token of an earlier login. Raises NetworkProblem: Rejected when it has ended."""
        self._transport.token = access_token
        return self._transport.get("/v1/session", Session)

    def logout(self) -> None:
        """End the session. Raises NetworkProblem."""
        self._transport.send("DELETE", "/v1/session")
        self._transport.token = ""
