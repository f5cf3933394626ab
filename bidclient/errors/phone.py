"""How a request to the company's phone ends when it does not end well; each end has its own sentence."""

from bidclient.errors.keys import KeyProblem


class PhoneRefused(KeyProblem):
    """The person at the phone said no."""

    code = "E-PHONE-REFUSED"


class PhoneExpired(KeyProblem):
    """Nobody approved the request while it was open."""

    code = "E-PHONE-EXPIRED"
    seconds: int
    retryable = True


class PhoneCodeWrong(KeyProblem):
    """Another verification code was chosen on the phone: perhaps it shows another request than we do."""

    code = "E-PHONE-CODE"


class PersonalCertificate(KeyProblem):
    """The phone answered with a person's certificate where a company's is needed."""

    code = "E-PHONE-PERSONAL"


class OtherProvince(KeyProblem):
    """The certificate was issued by an authority that this one does not recognise."""

    code = "E-PHONE-PROVINCE"
    province: str


class PhoneCertificateRevoked(KeyProblem):
    code = "E-PHONE-REVOKED"
    certificate: str


class PhoneCancelled(KeyProblem):
    """The request was ended by somebody else than us."""

    code = "E-PHONE-CANCELLED"
    retryable = True


class PhoneBusy(KeyProblem):
    """The phone has scanned another request for this certificate and not decided it yet."""

    code = "E-PHONE-BUSY"
    retryable = True
