/* The test token's arithmetic: SM2 and RSA of libcrypto, in the forms that vendors chose for the same numbers. */
#include "sm2_token.h"

#include <openssl/asn1t.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

enum { COORDINATE = 32, HASH = 32, DER_ROOM = 256, LONGEST = 64 * 1024 };
static const char ID[] = "1234567812345678";

/* SM2Cipher of GM/T 0009: what libcrypto decrypts. */
typedef struct {
    BIGNUM *x, *y;
    ASN1_OCTET_STRING *hash, *text;
} CIPHERTEXT;
ASN1_SEQUENCE(CIPHERTEXT) = {
    ASN1_SIMPLE(CIPHERTEXT, x, BIGNUM),
    ASN1_SIMPLE(CIPHERTEXT, y, BIGNUM),
    ASN1_SIMPLE(CIPHERTEXT, hash, ASN1_OCTET_STRING),
    ASN1_SIMPLE(CIPHERTEXT, text, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(CIPHERTEXT)

static int sign_e(EVP_PKEY *key, const unsigned char *e, size_t length, unsigned char *der, size_t *size) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int done = length == HASH && context && EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_sign(context, der, size, e, length) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

static int sign_message(EVP_PKEY *key, const unsigned char *data, size_t length, unsigned char *der,
                        size_t *size) {
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int done = 0;
    if (digest && context && EVP_PKEY_CTX_set1_id(context, ID, strlen(ID)) == 1) {
        EVP_MD_CTX_set_pkey_ctx(digest, context);
        done = EVP_DigestSignInit(digest, NULL, EVP_sm3(), NULL, key) == 1 &&
               EVP_DigestSign(digest, der, size, data, length) == 1;
    }
    EVP_MD_CTX_free(digest);
    EVP_PKEY_CTX_free(context);
    return done;
}

static int raw_signature(const unsigned char *der, size_t length, unsigned char *raw, size_t *size) {
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)length);
    int done = parts && *size >= 2 * COORDINATE &&
               BN_bn2binpad(ECDSA_SIG_get0_r(parts), raw, COORDINATE) == COORDINATE &&
               BN_bn2binpad(ECDSA_SIG_get0_s(parts), raw + COORDINATE, COORDINATE) == COORDINATE;
    ECDSA_SIG_free(parts);
    *size = 2 * COORDINATE;
    return done;
}

int sm2_sign(EVP_PKEY *key, const struct mechanism *how, const unsigned char *data, size_t length,
             unsigned char *signature, size_t *size) {
    unsigned char der[DER_ROOM], e[HASH];
    size_t written = sizeof der;
    int done;
    if (how->input == INPUT_MESSAGE) {
        done = sign_message(key, data, length, der, &written);
    } else if (how->input == INPUT_PLAIN) {
        done = EVP_Digest(data, length, e, NULL, EVP_sm3(), NULL) == 1 &&
               sign_e(key, e, sizeof e, der, &written);
    } else {
        done = sign_e(key, data, length, der, &written);
    }
    if (!done) return 0;
    if (!how->form.der) return raw_signature(der, written, signature, size);
    if (*size < written) return 0;
    memcpy(signature, der, written);
    *size = written;
    return 1;
}

/* The DER of a raw ciphertext, to be freed by the caller; -1 if it is too short or has the wrong beginning. */
static int der_ciphertext(struct form form, const unsigned char *raw, size_t length, unsigned char **der) {
    CIPHERTEXT *parts;
    size_t text;
    int size = -1;
    if (form.prefix && (length == 0 || *raw != 4)) return -1;
    if (form.prefix) raw++, length--;
    if (length <= 2 * COORDINATE + HASH) return -1;
    text = length - 2 * COORDINATE - HASH;
    parts = (CIPHERTEXT *)ASN1_item_new(ASN1_ITEM_rptr(CIPHERTEXT));
    if (!parts) return -1;
    BN_bin2bn(raw, COORDINATE, parts->x);
    BN_bin2bn(raw + COORDINATE, COORDINATE, parts->y);
    raw += 2 * COORDINATE;
    ASN1_OCTET_STRING_set(parts->hash, form.hash_at_end ? raw + text : raw, HASH);
    ASN1_OCTET_STRING_set(parts->text, form.hash_at_end ? raw : raw + HASH, (int)text);
    size = ASN1_item_i2d((ASN1_VALUE *)parts, der, ASN1_ITEM_rptr(CIPHERTEXT));
    ASN1_item_free((ASN1_VALUE *)parts, ASN1_ITEM_rptr(CIPHERTEXT));
    return size;
}

int sm2_decrypt(EVP_PKEY *key, struct form form, const unsigned char *data, size_t length,
                unsigned char *plain, size_t *size) {
    unsigned char *made = NULL;
    int made_size = form.der || length > LONGEST ? 0 : der_ciphertext(form, data, length, &made);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int done = context && made_size >= 0 && EVP_PKEY_decrypt_init(context) == 1 &&
               EVP_PKEY_decrypt(context, plain, size, made ? made : data, made ? (size_t)made_size : length) == 1;
    EVP_PKEY_CTX_free(context);
    OPENSSL_free(made);
    return done;
}

int rsa_sign(EVP_PKEY *key, const unsigned char *data, size_t length, unsigned char *signature, size_t *size) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int done = context && EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_sign(context, signature, size, data, length) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

int rsa_decrypt(EVP_PKEY *key, int oaep, const unsigned char *data, size_t length, unsigned char *plain,
                size_t *size) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int done = context && EVP_PKEY_decrypt_init(context) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_decrypt(context, plain, size, data, length) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}
