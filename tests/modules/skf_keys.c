/* The test library's keys: PEM files of a container, and SM2, RSA and SM4 of libcrypto in the forms of SKF. */
#include "sm2_token.h"
#include "skf_mock.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static FILE *opened(const char *container, const char *use, const char *ending) {
    char path[PATH_ROOM + 32];
    snprintf(path, sizeof path, "%s/%s.%s", container, use, ending);
    return fopen(path, "r");
}

EVP_PKEY *key_read(const char *container, const char *use) {
    FILE *file = opened(container, use, "key");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    return key;
}

int certificate_read(const char *container, const char *use, BYTE **der, ULONG *size) {
    FILE *file = opened(container, use, "crt");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    int length;
    if (file) fclose(file);
    if (!certificate) return 0;
    *der = NULL;
    length = i2d_X509(certificate, der);
    X509_free(certificate);
    *size = (ULONG)length;
    return length > 0;
}

int key_sign_e(EVP_PKEY *key, const BYTE *e, ULONG size, ECCSIGNATUREBLOB *signature) {
    const struct mechanism how = {.input = INPUT_E};
    BYTE raw[2 * NUMBER];
    size_t room = sizeof raw;
    memset(signature, 0, sizeof *signature);
    if (!sm2_sign(key, &how, e, size, raw, &room)) return 0;
    memcpy(signature->r + FIELD - NUMBER, raw, NUMBER);
    memcpy(signature->s + FIELD - NUMBER, raw + NUMBER, NUMBER);
    return 1;
}

int key_sign_rsa(EVP_PKEY *key, const BYTE *data, ULONG size, BYTE *signature, size_t *room) {
    return rsa_sign(key, data, size, signature, room);
}

int key_public(EVP_PKEY *key, ECCPUBLICKEYBLOB *blob) {
    BYTE point[1 + 2 * NUMBER];
    size_t size = 0;
    memset(blob, 0, sizeof *blob);
    if (EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &size) != 1) return 0;
    if (size != sizeof point || point[0] != 4) return 0;
    blob->bits = 8 * NUMBER;
    memcpy(blob->x + FIELD - NUMBER, point + 1, NUMBER);
    memcpy(blob->y + FIELD - NUMBER, point + 1 + NUMBER, NUMBER);
    return 1;
}

int key_open(EVP_PKEY *key, const ECCCIPHERBLOB *blob, BYTE *plain, size_t *size) {
    const struct form form = {0};
    BYTE raw[2 * NUMBER + HASH_SIZE + KEY_ROOM];
    if (blob->size > KEY_ROOM) return 0;
    memcpy(raw, blob->x + FIELD - NUMBER, NUMBER);
    memcpy(raw + NUMBER, blob->y + FIELD - NUMBER, NUMBER);
    memcpy(raw + 2 * NUMBER, blob->hash, HASH_SIZE);
    memcpy(raw + 2 * NUMBER + HASH_SIZE, blob->cipher, blob->size);
    return sm2_decrypt(key, form, raw, 2 * NUMBER + HASH_SIZE + blob->size, plain, size);
}

int sm4_decrypt(const struct open *key, const BYTE *data, ULONG size, BYTE *plain) {
    const EVP_CIPHER *cipher = key->algorithm == SGD_SM4_CBC ? EVP_sm4_cbc() : EVP_sm4_ecb();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int first = 0, last = 0;
    int done = context && EVP_DecryptInit_ex(context, cipher, NULL, key->key, key->parameters.iv) == 1 &&
               EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
               EVP_DecryptUpdate(context, plain, &first, data, (int)size) == 1 &&
               EVP_DecryptFinal_ex(context, plain + first, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    return done && (ULONG)(first + last) == size;
}
