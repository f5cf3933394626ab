"""The ASN.1 of electronic seals and seal signatures, version 4 (GB/T 38540-2020 §6, §7; GM/T 0031)."""

from typing import Any

from asn1crypto import core

CERTIFICATES, DIGESTS = 1, 2
"""certListType: how a seal names the certificates that may use it."""


class ExtensionData(core.Sequence):  # type: ignore[misc] # as all of asn1crypto
    """ExtData."""

    _fields = [  # noqa: RUF012 - asn1crypto's way to declare a structure, here and below
        ("extn_id", core.ObjectIdentifier),
        ("critical", core.Boolean, {"default": False}),
        ("extn_value", core.OctetString),
    ]


class ExtensionDatas(core.SequenceOf):  # type: ignore[misc]
    """ExtensionDatas."""

    _child_spec = ExtensionData


class Header(core.Sequence):  # type: ignore[misc]
    """SES_Header: "ES", the version, and the maker of the program."""

    _fields = [("id", core.IA5String), ("version", core.Integer), ("vid", core.IA5String)]  # noqa: RUF012


class CertificateList(core.SequenceOf):  # type: ignore[misc]
    """CertInfoList: whole certificates."""

    _child_spec = core.OctetString


class CertificateDigest(core.Sequence):  # type: ignore[misc]
    """CertDigestObj: a hash by name, and its value over a certificate."""

    _fields = [("type", core.PrintableString), ("value", core.OctetString)]  # noqa: RUF012


class CertificateDigestList(core.SequenceOf):  # type: ignore[misc]
    """CertDigestList."""

    _child_spec = CertificateDigest


class Property(core.Sequence):  # type: ignore[misc]
    """SES_ESPropertyInfo. The list is of the kind that cert_list_type says: both have the same tag."""

    _fields = [  # noqa: RUF012
        ("type", core.Integer),
        ("name", core.UTF8String),
        ("cert_list_type", core.Integer),
        ("cert_list", core.Any),
        ("create_date", core.GeneralizedTime),
        ("valid_start", core.GeneralizedTime),
        ("valid_end", core.GeneralizedTime),
    ]

    def _list_spec(self) -> Any:
        kind = self["cert_list_type"].native
        return {CERTIFICATES: CertificateList, DIGESTS: CertificateDigestList}[kind]

    _spec_callbacks = {"cert_list": _list_spec}  # noqa: RUF012


class Picture(core.Sequence):  # type: ignore[misc]
    """SES_ESPictureInfo: the format's name, the file, its size on paper in mm."""

    _fields = [  # noqa: RUF012
        ("type", core.IA5String),
        ("data", core.OctetString),
        ("width", core.Integer),
        ("height", core.Integer),
    ]


class SealInfo(core.Sequence):  # type: ignore[misc]
    """SES_SealInfo: what the seal maker signs."""

    _fields = [  # noqa: RUF012
        ("header", Header),
        ("es_id", core.IA5String),
        ("property", Property),
        ("picture", Picture),
        ("ext_datas", ExtensionDatas, {"explicit": 0, "optional": True}),
    ]


class ESeal(core.Sequence):  # type: ignore[misc]
    """SESeal."""

    _fields = [  # noqa: RUF012
        ("e_seal_info", SealInfo),
        ("cert", core.OctetString),
        ("sign_alg_id", core.ObjectIdentifier),
        ("signed_value", core.OctetBitString),
    ]


class ToBeSigned(core.Sequence):  # type: ignore[misc]
    """TBS_Sign: what the signer signs."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("eseal", ESeal),
        ("time_info", core.GeneralizedTime),
        ("data_hash", core.OctetBitString),
        ("property_info", core.IA5String),
        ("ext_datas", ExtensionDatas, {"explicit": 0, "optional": True}),
    ]


class SealSignature(core.Sequence):  # type: ignore[misc]
    """SES_Signature."""

    _fields = [  # noqa: RUF012
        ("to_sign", ToBeSigned),
        ("cert", core.OctetString),
        ("signature_alg_id", core.ObjectIdentifier),
        ("signature", core.OctetBitString),
        ("time_stamp", core.OctetBitString, {"explicit": 0, "optional": True}),
    ]
