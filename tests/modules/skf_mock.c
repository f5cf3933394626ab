/* A library for SKF (GM/T 0016) with the faces and faults of several vendors, over libcrypto, for tests only.
 *
 * SKF_DEVICES names the folder of the devices (skf_handles.c), SKF_ALGORITHMS the ids that a session key may have,
 * in hex, SKF_FAULT what goes wrong. As with some vendors, a login belongs to the handle of the application.
 */
#include "skf_mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(code)                        \
    do {                                  \
        ULONG result = (code);            \
        if (result != SAR_OK) return result; \
    } while (0)
#define BEGIN MUST(fault_code(__func__))

enum { USER = 1, LINE_ROOM = 128, BLOCK = 16, RSA_ROOM = 512 };

/* Hand out `data`, or say how much room it takes. */
static ULONG give(const void *data, ULONG size, void *room, ULONG *room_size) {
    ULONG had = *room_size;
    *room_size = size;
    if (!room) return SAR_OK;
    if (had < size) return SAR_BUFFER_TOO_SMALL;
    memcpy(room, data, size);
    return SAR_OK;
}

static ULONG give_names(const char *path, char *room, ULONG *room_size) {
    char names[4096];
    return give(names, names_in(path, names, sizeof names), room, room_size);
}

/* The names of what lies below a device or an application. */
static ULONG give_names_below(HANDLE above, enum kind kind, char *room, ULONG *room_size) {
    MUST(handle_check(above, kind));
    return give_names(((struct open *)above)->path, room, room_size);
}

/* Open what lies below; `missing` is what is said when it is not there. */
static ULONG open_below(HANDLE above, enum kind kind, enum kind wanted, const char *name, HANDLE *made, ULONG missing) {
    MUST(handle_check(above, kind));
    *made = handle_open(wanted, above, name);
    return *made ? SAR_OK : missing;
}

/* Close a handle of this kind, also when its device is gone. */
static ULONG close_one(HANDLE handle, enum kind kind) {
    if (handle_check(handle, kind) == SAR_INVALIDHANDLEERR) return SAR_INVALIDHANDLEERR;
    handle_close(handle);
    return SAR_OK;
}

static int tries_left(const struct open *application) {
    char line[LINE_ROOM];
    line_of(application->path, "left", "6", line, sizeof line);
    return atoi(line);
}

static void set_tries(const struct open *application, int left) {
    char line[LINE_ROOM];
    snprintf(line, sizeof line, "%d", left);
    set_line(application->path, "left", line);
}

/* ---------------------------------------------------------------------------------------------- devices */

ULONG SKF_EnumDev(BOOL present, char *names, ULONG *size) {
    (void)present;
    BEGIN;
    if (fault_is(__func__, "nonsense")) {
        *size = 0x7FFFFFFF;
        return SAR_OK;
    }
    return give_names(devices(), names, size);
}

ULONG SKF_ConnectDev(const char *name, HANDLE *device) {
    BEGIN;
    *device = handle_open(DEVICE, NULL, name);
    return *device ? SAR_OK : SAR_DEVICE_REMOVED;
}

ULONG SKF_DisConnectDev(HANDLE device) { return close_one(device, DEVICE); }

ULONG SKF_GetDevInfo(HANDLE device, DEVINFO *info) {
    const struct open *open = device;
    BEGIN;
    MUST(handle_check(device, DEVICE));
    memset(info, 0, sizeof *info);
    if (fault_is(__func__, "nonsense")) {
        memset(info, 0xA5, sizeof *info);
        return SAR_OK;
    }
    info->version[0] = 1;
    strcpy(info->manufacturer, "bidclient tests");
    line_of(open->path, "label", "TestKey", info->label, sizeof info->label);
    line_of(open->path, "serial", "0001", info->serial, sizeof info->serial);
    info->firmware[0] = 2, info->firmware[1] = 5;
    if (fault_is(__func__, "silent")) return SAR_OK;
    info->symmetric = 0x403, info->asymmetric = 0x30700, info->hash = 7;
    info->total = 65536, info->left = 32768, info->most_ecc = 256, info->most = 4096;
    return SAR_OK;
}

/* ----------------------------------------------------------------------------------------- applications */

ULONG SKF_EnumApplication(HANDLE device, char *names, ULONG *size) {
    BEGIN;
    return give_names_below(device, DEVICE, names, size);
}

ULONG SKF_OpenApplication(HANDLE device, const char *name, HANDLE *application) {
    BEGIN;
    return open_below(device, DEVICE, APPLICATION, name, application, SAR_APPLICATION_NOT_EXISTS);
}

ULONG SKF_CloseApplication(HANDLE application) { return close_one(application, APPLICATION); }

ULONG SKF_GetPINInfo(HANDLE application, ULONG who, ULONG *most, ULONG *left, BOOL *is_default) {
    BEGIN;
    MUST(handle_check(application, APPLICATION));
    if (who != USER) return SAR_INVALIDPARAMERR;
    *most = PIN_TRIES, *left = (ULONG)tries_left(application), *is_default = 0;
    return SAR_OK;
}

ULONG SKF_VerifyPIN(HANDLE application, ULONG who, const char *pin, ULONG *left) {
    struct open *open = application;
    char right[LINE_ROOM];
    int remaining;
    BEGIN;
    MUST(handle_check(application, APPLICATION));
    if (who != USER) return SAR_INVALIDPARAMERR;
    remaining = tries_left(open);
    *left = (ULONG)remaining;
    if (remaining <= 0) return SAR_PIN_LOCKED;
    line_of(open->path, "pin", "123456", right, sizeof right);
    open->logged_in = strcmp(pin, right) == 0;
    if (open->logged_in) {
        set_tries(open, PIN_TRIES);
        return SAR_OK;
    }
    set_tries(open, --remaining);
    *left = (ULONG)remaining;
    return remaining > 0 ? SAR_PIN_INCORRECT : SAR_PIN_LOCKED;
}

ULONG SKF_ClearSecureState(HANDLE application) {
    BEGIN;
    MUST(handle_check(application, APPLICATION));
    ((struct open *)application)->logged_in = 0;
    return SAR_OK;
}

/* ------------------------------------------------------------------------------------------- containers */

ULONG SKF_EnumContainer(HANDLE application, char *names, ULONG *size) {
    BEGIN;
    return give_names_below(application, APPLICATION, names, size);
}

ULONG SKF_OpenContainer(HANDLE application, const char *name, HANDLE *container) {
    BEGIN;
    return open_below(application, APPLICATION, CONTAINER, name, container, SAR_CONTAINER_NOT_EXISTS);
}

ULONG SKF_CloseContainer(HANDLE container) { return close_one(container, CONTAINER); }

ULONG SKF_ExportCertificate(HANDLE container, BOOL sign, BYTE *room, ULONG *size) {
    BYTE *der;
    ULONG length, result;
    BEGIN;
    MUST(handle_check(container, CONTAINER));
    if (!certificate_read(((struct open *)container)->path, sign ? "sign" : "encrypt", &der, &length))
        return SAR_CERTNOTFOUNTERR;
    result = give(der, length, room, size);
    OPENSSL_free(der);
    return result;
}

ULONG SKF_ExportPublicKey(HANDLE container, BOOL sign, BYTE *room, ULONG *size) {
    EVP_PKEY *key;
    ECCPUBLICKEYBLOB blob;
    int done;
    BEGIN;
    MUST(handle_check(container, CONTAINER));
    key = key_read(((struct open *)container)->path, sign ? "sign" : "encrypt");
    if (!key) return SAR_KEYNOTFOUNTERR;
    done = key_public(key, &blob);
    EVP_PKEY_free(key);
    return done ? give(&blob, sizeof blob, room, size) : SAR_KEYUSAGEERR;
}

/* The private key for `use` of a container whose application is logged in. */
static ULONG private_key(HANDLE container, const char *use, EVP_PKEY **key) {
    const struct open *open = container;
    MUST(handle_check(container, CONTAINER));
    if (!open->above->logged_in) return SAR_USER_NOT_LOGGED_IN;
    *key = key_read(open->path, use);
    return *key ? SAR_OK : SAR_KEYNOTFOUNTERR;
}

ULONG SKF_ECCSignData(HANDLE container, BYTE *e, ULONG size, ECCSIGNATUREBLOB *signature) {
    EVP_PKEY *key;
    int done;
    BEGIN;
    MUST(private_key(container, "sign", &key));
    done = key_sign_e(key, e, size, signature);
    EVP_PKEY_free(key);
    if (fault_is(__func__, "wrong")) signature->s[FIELD - 1] ^= 1;
    if (fault_is(__func__, "long")) signature->s[0] = 1;
    return done ? SAR_OK : SAR_INDATALENERR;
}

ULONG SKF_RSASignData(HANDLE container, BYTE *data, ULONG size, BYTE *room, ULONG *room_size) {
    EVP_PKEY *key;
    BYTE signature[RSA_ROOM];
    size_t length = sizeof signature;
    int done;
    BEGIN;
    MUST(private_key(container, "sign", &key));
    done = key_sign_rsa(key, data, size, signature, &length);
    EVP_PKEY_free(key);
    return done ? give(signature, (ULONG)length, room, room_size) : SAR_INDATALENERR;
}

/* ----------------------------------------------------------------------------------------- session keys */

static int is_offered(ULONG algorithm) {
    const char *set = getenv("SKF_ALGORITHMS");
    char wanted[LINE_ROOM];
    snprintf(wanted, sizeof wanted, "%lX", (unsigned long)algorithm);
    return strstr(set ? set : "401 402", wanted) != NULL;
}

ULONG SKF_ImportSessionKey(HANDLE container, ULONG algorithm, BYTE *wrapped, ULONG size, HANDLE *made) {
    EVP_PKEY *key;
    const ECCCIPHERBLOB *blob = (const ECCCIPHERBLOB *)wrapped;
    BYTE plain[KEY_ROOM];
    size_t length = sizeof plain;
    struct open *new;
    int done;
    BEGIN;
    if (!is_offered(algorithm)) return SAR_NOTSUPPORTYETERR;
    MUST(private_key(container, "encrypt", &key));
    if (size < offsetof(ECCCIPHERBLOB, cipher) || size != offsetof(ECCCIPHERBLOB, cipher) + blob->size) {
        EVP_PKEY_free(key);
        return SAR_INDATALENERR;
    }
    done = key_open(key, blob, plain, &length) && length == BLOCK;
    EVP_PKEY_free(key);
    if (!done) return SAR_INDATAERR;
    new = handle_open(SESSION_KEY, container, "session");
    if (!new) return SAR_INVALIDHANDLEERR;
    new->algorithm = algorithm;
    memcpy(new->key, plain, BLOCK);
    *made = new;
    return SAR_OK;
}

ULONG SKF_DecryptInit(HANDLE key, BLOCKCIPHERPARAM parameters) {
    struct open *open = key;
    BEGIN;
    MUST(handle_check(key, SESSION_KEY));
    if (parameters.padding || parameters.feedback) return SAR_INVALIDPARAMERR;
    if (open->algorithm == SGD_SM4_CBC && parameters.iv_size != BLOCK) return SAR_INVALIDPARAMERR;
    open->parameters = parameters;
    return SAR_OK;
}

ULONG SKF_Decrypt(HANDLE key, BYTE *data, ULONG size, BYTE *plain, ULONG *room) {
    BEGIN;
    MUST(handle_check(key, SESSION_KEY));
    if (!plain || *room < size) {
        *room = size;
        return plain ? SAR_BUFFER_TOO_SMALL : SAR_OK;
    }
    *room = size;
    return sm4_decrypt(key, data, size, plain) ? SAR_OK : SAR_INDATALENERR;
}

ULONG SKF_CloseHandle(HANDLE handle) { return close_one(handle, SESSION_KEY); }
