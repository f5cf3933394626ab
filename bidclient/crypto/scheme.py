"""The names of what keys can do; a key host speaks of them without the weight of certificates."""

from enum import StrEnum


class SignatureScheme(StrEnum):
    """How a message becomes a signature."""

    RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    ECDSA_SHA256 = "ecdsa-sha256"
    SM2_SM3 = "sm2-sm3"
    """SM2 over e = SM3(Z‖M) with the usual identity "1234567812345678" (GB/T 32918.2, GM/T 0009)."""


class WrapScheme(StrEnum):
    """How a content secret is wrapped to a certificate inside CMS EnvelopedData (RFC 5652 §6)."""

    RSA_OAEP_SHA1 = "rsa-oaep-sha1"
    """RFC 8017 default parameters: what most tokens can do; OAEP does not rest on collision resistance."""
    RSA_OAEP_SHA256 = "rsa-oaep-sha256"
    RSA_PKCS1 = "rsa-pkcs1"
    ECDH_SHA256 = "ecdh-sha256"
    """dhSinglePass-stdDH-sha256kdf-scheme with AES-256 key wrap (RFC 5753)."""
    SM2 = "sm2"
    """SM2 encryption of an SM4 key (GB/T 32918.4), in the message syntax of GM/T 0010."""
