/* The test token's sessions: who is logged in, which objects there are, and what they say of themselves. */
#include "sm2_token.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SESSIONS = 16 };

static struct session sessions[MOST_SESSIONS];
static unsigned logged_in; /* the generation of the folder that is logged in, 0 for none */

/* Handles: 2i+1 is the certificate of entry i, 2i+2 its private key. */
static const struct entry *entry_of(CK_OBJECT_HANDLE object) {
    size_t index = (size_t)(object - 1) / 2;
    return object == 0 || index >= folder_count() ? NULL : folder_entry(index);
}

static int is_private(CK_OBJECT_HANDLE object) { return object % 2 == 0; }

static int logged(void) { return logged_in && logged_in == folder_generation(); }

static int visible(CK_OBJECT_HANDLE object) {
    const struct entry *entry = entry_of(object);
    return entry && (!is_private(object) || (entry->key && logged()));
}

int always_authenticate(void) { return getenv("SM2_ALWAYS_AUTHENTICATE") != NULL; }

const struct entry *session_private(CK_OBJECT_HANDLE object) {
    return visible(object) && is_private(object) ? entry_of(object) : NULL;
}

CK_RV session_get(CK_SESSION_HANDLE handle, struct session **session) {
    if (!folder_present()) return CKR_DEVICE_REMOVED;
    if (handle == 0 || handle > MOST_SESSIONS) return CKR_SESSION_HANDLE_INVALID;
    *session = &sessions[handle - 1];
    return (*session)->generation == folder_generation() ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

CK_RV session_open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *handle) {
    size_t index;
    (void)slot, (void)application, (void)notify;
    if (!(flags & CKF_SERIAL_SESSION)) return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if (!folder_present()) return CKR_TOKEN_NOT_PRESENT;
    for (index = 0; index < MOST_SESSIONS; index++) {
        if (sessions[index].generation == folder_generation()) continue;
        memset(&sessions[index], 0, sizeof sessions[index]);
        sessions[index].generation = folder_generation();
        *handle = index + 1;
        return CKR_OK;
    }
    return CKR_SESSION_COUNT;
}

CK_RV session_close(CK_SESSION_HANDLE handle) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    size_t index;
    if (result != CKR_OK) return result;
    session->generation = 0;
    for (index = 0; index < MOST_SESSIONS; index++)
        if (sessions[index].generation == folder_generation()) return CKR_OK;
    logged_in = 0; /* closing the last session logs out */
    return CKR_OK;
}

CK_RV session_close_all(CK_SLOT_ID slot) {
    (void)slot;
    memset(sessions, 0, sizeof sessions);
    logged_in = 0;
    return CKR_OK;
}

CK_RV session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    if (result != CKR_OK) return result;
    memset(info, 0, sizeof *info);
    info->state = logged() ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
    info->flags = CKF_SERIAL_SESSION;
    return CKR_OK;
}

CK_RV session_login(CK_SESSION_HANDLE handle, CK_USER_TYPE who, unsigned char *pin, unsigned long size) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    if (result != CKR_OK) return result;
    if (who == CKU_USER && logged()) return CKR_USER_ALREADY_LOGGED_IN;
    if (who == CKU_CONTEXT_SPECIFIC && !session->operation) return CKR_OPERATION_NOT_INITIALIZED;
    result = folder_check_pin(pin, size);
    if (result != CKR_OK) return result;
    if (who == CKU_USER) logged_in = folder_generation();
    session->needs_pin = 0;
    return CKR_OK;
}

CK_RV session_logout(CK_SESSION_HANDLE handle) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    if (result != CKR_OK) return result;
    if (!logged()) return CKR_USER_NOT_LOGGED_IN;
    logged_in = 0;
    return CKR_OK;
}

/* One attribute as PKCS#11 wants it: the size first, the value only if there is room. */
static CK_RV give(CK_ATTRIBUTE *asked, const void *value, unsigned long size) {
    unsigned long room = asked->ulValueLen;
    asked->ulValueLen = size;
    if (!asked->pValue) return CKR_OK;
    if (room < size) {
        asked->ulValueLen = (unsigned long)-1;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(asked->pValue, value, size);
    return CKR_OK;
}

static CK_RV give_number(CK_ATTRIBUTE *asked, unsigned long number) { return give(asked, &number, sizeof number); }

static CK_RV give_flag(CK_ATTRIBUTE *asked, int flag) {
    CK_BBOOL value = flag ? CK_TRUE : CK_FALSE;
    return give(asked, &value, sizeof value);
}

static CK_RV unknown(CK_ATTRIBUTE *asked) {
    asked->ulValueLen = (unsigned long)-1;
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV of_certificate(const struct entry *entry, CK_ATTRIBUTE *asked) {
    if (asked->type == CKA_CERTIFICATE_TYPE) return give_number(asked, CKC_X_509);
    if (asked->type == CKA_VALUE) return give(asked, entry->certificate, (unsigned long)entry->certificate_size);
    return unknown(asked);
}

static CK_RV of_key(const struct entry *entry, CK_ATTRIBUTE *asked) {
    switch (asked->type) {
        case CKA_KEY_TYPE:
            return give_number(asked, entry->is_rsa ? CKK_RSA : family_chosen()->key_type);
        case CKA_SIGN:
        case CKA_DECRYPT:
        case CKA_SENSITIVE:
            return give_flag(asked, 1);
        case CKA_ALWAYS_AUTHENTICATE:
            return give_flag(asked, always_authenticate());
        default:
            return unknown(asked);
    }
}

static CK_RV attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE *asked) {
    const struct entry *entry = entry_of(object);
    switch (asked->type) {
        case CKA_CLASS:
            return give_number(asked, is_private(object) ? CKO_PRIVATE_KEY : CKO_CERTIFICATE);
        case CKA_ID:
        case CKA_LABEL:
            return give(asked, entry->name, strlen(entry->name));
        case CKA_TOKEN:
            return give_flag(asked, 1);
        case CKA_PRIVATE:
            return give_flag(asked, is_private(object));
        default:
            return is_private(object) ? of_key(entry, asked) : of_certificate(entry, asked);
    }
}

static int fits(CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *wanted, unsigned long count) {
    unsigned char value[4096];
    unsigned long index;
    for (index = 0; index < count; index++) {
        CK_ATTRIBUTE own = {wanted[index].type, value, sizeof value};
        if (attribute(object, &own) != CKR_OK || own.ulValueLen != wanted[index].ulValueLen ||
            memcmp(value, wanted[index].pValue, own.ulValueLen) != 0)
            return 0;
    }
    return 1;
}

CK_RV session_find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *wanted, unsigned long count) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    CK_OBJECT_HANDLE object;
    if (result != CKR_OK) return result;
    session->found_count = session->found_next = 0;
    for (object = 1; object <= 2 * folder_count(); object++)
        if (visible(object) && fits(object, wanted, count)) session->found[session->found_count++] = object;
    return CKR_OK;
}

CK_RV session_found(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, unsigned long room,
                    unsigned long *count) {
    struct session *session;
    CK_RV result = session_get(handle, &session);
    if (result != CKR_OK) return result;
    for (*count = 0; *count < room && session->found_next < session->found_count; (*count)++)
        objects[*count] = session->found[session->found_next++];
    return CKR_OK;
}

CK_RV session_find_end(CK_SESSION_HANDLE handle) {
    struct session *session;
    return session_get(handle, &session);
}

CK_RV session_attributes(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *asked,
                         unsigned long count) {
    struct session *session;
    CK_RV result = session_get(handle, &session), one;
    unsigned long index;
    if (result != CKR_OK) return result;
    if (!visible(object)) return CKR_OBJECT_HANDLE_INVALID;
    for (index = 0; index < count; index++)
        if ((one = attribute(object, &asked[index])) != CKR_OK) result = one;
    return result;
}
