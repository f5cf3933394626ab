/* A PKCS#11 library with the faces of several vendors' SM2 tokens, over libcrypto, for tests only.
 *
 * SM2_TOKEN names the folder that is the token (sm2_folder.c), SM2_FAMILY or SM2_MECHANISMS the vendor's
 * numbers and forms (sm2_families.c), SM2_FIRMWARE its version as "1.0", SM2_ALWAYS_AUTHENTICATE a token that wants
 * its PIN for each use. As with some vendors, a use that failed leaves its session good for nothing.
 */
#include "sm2_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT = 7, ROOM = 64 * 1024, LONGEST_PIN = 16, SHORTEST_PIN = 4 };
static const CK_MECHANISM_TYPE RSA_MECHANISMS[] = {CKM_RSA_PKCS, CKM_RSA_PKCS_OAEP};

static CK_RV unsupported(void) { return CKR_FUNCTION_NOT_SUPPORTED; }

static CK_RV initialize(void *arguments) {
    (void)arguments;
    return CKR_OK;
}

static CK_RV finalize(void *reserved) {
    (void)reserved;
    return session_close_all(SLOT);
}

static void pad(unsigned char *field, size_t size, const char *text) {
    size_t length = strlen(text);
    memset(field, ' ', size);
    memcpy(field, text, length < size ? length : size);
}

static CK_RV get_info(CK_INFO *info) {
    memset(info, 0, sizeof *info);
    info->cryptokiVersion.major = 2, info->cryptokiVersion.minor = 40;
    pad(info->manufacturerID, sizeof info->manufacturerID, "bidclient tests");
    pad(info->libraryDescription, sizeof info->libraryDescription, "SM2 test token");
    return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, unsigned long *count) {
    unsigned long room = *count;
    *count = folder_present() || !present ? 1 : 0;
    if (!slots) return CKR_OK;
    if (room < *count) return CKR_BUFFER_TOO_SMALL;
    if (*count) *slots = SLOT;
    return CKR_OK;
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info) {
    if (slot != SLOT) return CKR_SLOT_ID_INVALID;
    memset(info, 0, sizeof *info);
    pad(info->slotDescription, sizeof info->slotDescription, "a folder");
    pad(info->manufacturerID, sizeof info->manufacturerID, "bidclient tests");
    info->flags = CKF_REMOVABLE_DEVICE | (folder_present() ? CKF_TOKEN_PRESENT : 0);
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    const char *firmware = getenv("SM2_FIRMWARE");
    char line[64];
    if (slot != SLOT) return CKR_SLOT_ID_INVALID;
    if (!folder_present()) return CKR_TOKEN_NOT_PRESENT;
    memset(info, 0, sizeof *info);
    folder_line("label", "SM2 token", line, sizeof line);
    pad(info->label, sizeof info->label, line);
    folder_line("serial", "0001", line, sizeof line);
    pad(info->serialNumber, sizeof info->serialNumber, line);
    pad(info->manufacturerID, sizeof info->manufacturerID, "bidclient tests");
    pad(info->model, sizeof info->model, "SM2 folder");
    memset(info->utcTime, ' ', sizeof info->utcTime);
    info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | folder_pin_flags();
    info->ulMaxPinLen = LONGEST_PIN, info->ulMinPinLen = SHORTEST_PIN;
    info->firmwareVersion.major = 1;
    if (firmware)
        sscanf(firmware, "%hhu.%hhu", &info->firmwareVersion.major, &info->firmwareVersion.minor);
    return CKR_OK;
}

static CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, unsigned long *count) {
    const struct family *family = family_chosen();
    CK_MECHANISM_TYPE all[MOST_MECHANISMS + 2];
    unsigned long room = *count, index, other, used = 2;
    if (slot != SLOT) return CKR_SLOT_ID_INVALID;
    if (!folder_present()) return CKR_TOKEN_NOT_PRESENT;
    memcpy(all, RSA_MECHANISMS, sizeof RSA_MECHANISMS);
    for (index = 0; index < family->count; index++) {
        for (other = 0; other < used && all[other] != family->mechanisms[index].number; other++) continue;
        if (other == used) all[used++] = family->mechanisms[index].number;
    }
    *count = used;
    if (!list) return CKR_OK;
    if (room < used) return CKR_BUFFER_TOO_SMALL;
    memcpy(list, all, used * sizeof *all);
    return CKR_OK;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE number, CK_MECHANISM_INFO *info) {
    if (slot != SLOT) return CKR_SLOT_ID_INVALID;
    memset(info, 0, sizeof *info);
    info->ulMinKeySize = info->ulMaxKeySize = 256;
    info->flags = CKF_HW;
    if (number == RSA_MECHANISMS[0] || family_mechanism(number, CKF_SIGN)) info->flags |= CKF_SIGN;
    if (number == RSA_MECHANISMS[0] || number == RSA_MECHANISMS[1] || family_mechanism(number, CKF_DECRYPT))
        info->flags |= CKF_DECRYPT;
    return info->flags == CKF_HW ? CKR_MECHANISM_INVALID : CKR_OK;
}

/* ------------------------------------------------------------------------------------------- operations */

static int knows(const struct entry *entry, CK_MECHANISM_TYPE number, CK_FLAGS use) {
    if (!entry->is_rsa) return family_mechanism(number, use) != NULL;
    return number == RSA_MECHANISMS[0] || (use == CKF_DECRYPT && number == RSA_MECHANISMS[1]);
}

static CK_RV begin(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_FLAGS use) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    if (result != CKR_OK) return result;
    if (session->operation) return CKR_OPERATION_ACTIVE;
    session->entry = session_private(key);
    if (!session->entry) return CKR_KEY_HANDLE_INVALID;
    if (!knows(session->entry, mechanism->mechanism, use)) return CKR_MECHANISM_INVALID;
    session->operation = use;
    session->mechanism = mechanism->mechanism;
    session->needs_pin = always_authenticate();
    return CKR_OK;
}

static int operate(const struct session *session, const unsigned char *data, size_t length, unsigned char *result,
                   size_t *size) {
    EVP_PKEY *key = session->entry->key;
    const struct mechanism *how = family_mechanism(session->mechanism, session->operation);
    int signing = session->operation == CKF_SIGN;
    if (!session->entry->is_rsa)
        return signing ? sm2_sign(key, how, data, length, result, size)
                       : sm2_decrypt(key, how->form, data, length, result, size);
    return signing ? rsa_sign(key, data, length, result, size)
                   : rsa_decrypt(key, session->mechanism == CKM_RSA_PKCS_OAEP, data, length, result, size);
}

static CK_RV finish(CK_SESSION_HANDLE handle, CK_FLAGS use, const unsigned char *data, unsigned long length,
                    unsigned char *result, unsigned long *room) {
    static unsigned char made[ROOM];
    struct session *session;
    size_t size = sizeof made;
    CK_RV state = session_get(handle, &session);
    if (state != CKR_OK) return state;
    if (session->operation != use) return CKR_OPERATION_NOT_INITIALIZED;
    if (session->needs_pin) return CKR_USER_NOT_LOGGED_IN;
    if (!operate(session, data, length, made, &size))
        return use == CKF_SIGN ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_INVALID;
    if (result && *room < size) return CKR_BUFFER_TOO_SMALL;
    *room = size;
    if (!result) return CKR_OK;
    memcpy(result, made, size);
    session->operation = 0;
    return CKR_OK;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
    return begin(session, mechanism, key, CKF_SIGN);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, unsigned long length, unsigned char *signature,
                  unsigned long *room) {
    return finish(session, CKF_SIGN, data, length, signature, room);
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
    return begin(session, mechanism, key, CKF_DECRYPT);
}

static CK_RV decrypt(CK_SESSION_HANDLE session, unsigned char *data, unsigned long length, unsigned char *plain,
                     unsigned long *room) {
    return finish(session, CKF_DECRYPT, data, length, plain, room);
}

/* -------------------------------------------------------------------------------------- the list of all */

static CK_FUNCTION_LIST functions;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
    CK_RV (**call)(void) = (CK_RV(**)(void))(void *)&functions.C_Initialize;
    size_t count = (sizeof functions - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof *call;
    while (count > 0) call[--count] = unsupported;
    functions.version.major = 2, functions.version.minor = 40;
    functions.C_Initialize = initialize;
    functions.C_Finalize = finalize;
    functions.C_GetInfo = get_info;
    functions.C_GetFunctionList = C_GetFunctionList;
    functions.C_GetSlotList = get_slot_list;
    functions.C_GetSlotInfo = get_slot_info;
    functions.C_GetTokenInfo = get_token_info;
    functions.C_GetMechanismList = get_mechanism_list;
    functions.C_GetMechanismInfo = get_mechanism_info;
    functions.C_OpenSession = session_open;
    functions.C_CloseSession = session_close;
    functions.C_CloseAllSessions = session_close_all;
    functions.C_GetSessionInfo = session_info;
    functions.C_Login = session_login;
    functions.C_Logout = session_logout;
    functions.C_FindObjectsInit = session_find;
    functions.C_FindObjects = session_found;
    functions.C_FindObjectsFinal = session_find_end;
    functions.C_GetAttributeValue = session_attributes;
    functions.C_SignInit = sign_init;
    functions.C_Sign = sign;
    functions.C_DecryptInit = decrypt_init;
    functions.C_Decrypt = decrypt;
    *list = &functions;
    return CKR_OK;
}
