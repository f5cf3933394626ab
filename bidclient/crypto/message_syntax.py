"""The two families of names for the same message structures: PKCS #7 and CMS (RFC 5652), and GM/T 0010."""

from dataclasses import dataclass

from asn1crypto import cms, core


@dataclass(frozen=True)
class MessageSyntax:
    """The dotted object identifiers of one family."""

    data: str
    signed_data: str
    enveloped_data: str


PKCS7 = MessageSyntax("1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.3")
GM = MessageSyntax("1.2.156.10197.6.1.4.2.1", "1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.3")
"""GM/T 0010, GB/T 35275: the structures are those of PKCS #7 version 1.5, which CMS can read."""

SM3 = "1.2.156.10197.1.401"
SM4_CBC = "1.2.156.10197.1.104.2"
SM3_WITH_SM2 = "1.2.156.10197.1.501"
SM2_SIGN = "1.2.156.10197.1.301.1"
SM2_ENCRYPT = "1.2.156.10197.1.301.3"
SM2_EXCHANGE = "1.2.156.10197.1.301.2"
SM2 = "1.2.156.10197.1.301"
"""GM/T 0006. Programs in use name SM2 by the wrong one of these four where only one can be meant."""

# The library's own way to make a content type known, see asn1crypto.tsp.
cms.ContentInfo._oid_specs[GM.data] = core.OctetString
cms.ContentInfo._oid_specs[GM.signed_data] = cms.SignedData
cms.ContentInfo._oid_specs[GM.enveloped_data] = cms.EnvelopedData
cms.EncapsulatedContentInfo._oid_specs[GM.data] = core.OctetString


def no_parameters(algorithm: core.Sequence) -> bool:
    """Whether an AlgorithmIdentifier has NULL or no parameters; they are read, or they would go unseen."""
    parameters = algorithm["parameters"]
    return isinstance(parameters, core.Void | core.Null) or bytes(parameters.dump()) == core.Null().dump()
