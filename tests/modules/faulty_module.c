/* A PKCS#11 library that passes everything on to SoftHSM, except for one fault of real tokens at a time.
 *
 * FAULTY names a folder. In it `fault` holds the name of the fault and perhaps a number, `unplugged` exists while
 * the token is out, `swapped` while the other token is in, and `pressed` is the PIN that somebody enters on the
 * pad. `logins` gets a letter for every C_Login, u for the user's and c for one operation's, `wrong` one for every
 * wrong PIN.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 3, MOST_SLOTS = 16, LONGEST = 256 };

static CK_FUNCTION_LIST ours, *theirs;

static const char *path(const char *name) {
    static char full[4096];
    const char *folder = getenv("FAULTY");
    snprintf(full, sizeof full, "%s/%s", folder ? folder : ".", name);
    return full;
}

static int exists(const char *name) { return access(path(name), F_OK) == 0; }

static size_t content(const char *name, char *text) {
    FILE *file = fopen(path(name), "r");
    size_t size = file ? fread(text, 1, LONGEST - 1, file) : 0;
    if (file) fclose(file);
    text[size] = 0;
    return size;
}

static void note(const char *name, char letter) {
    FILE *file = fopen(path(name), "a");
    if (!file) abort();
    fputc(letter, file);
    fclose(file);
}

/* Whether this is the fault; its number goes to `number` if that is wanted. */
static int fault_with(const char *name, unsigned long *number) {
    char text[LONGEST], *rest;
    content("fault", text);
    rest = strchr(text, ' ');
    if (rest) *rest++ = 0;
    if (number) *number = rest ? strtoul(rest, NULL, 0) : 0;
    return strcmp(text, name) == 0;
}

static int fault(const char *name) { return fault_with(name, NULL); }

static void crash_or_hang(const char *crashes, const char *hangs) {
    if (fault(crashes)) abort();
    if (fault(hangs)) sleep(600);
}

/* Whether the token is out. A login ends with it, as on a token that loses its power. */
static int is_out(void) {
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG count = MOST_SLOTS, i;
    if (!exists("unplugged")) return 0;
    if (theirs->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK)
        for (i = 0; i < count; i++) theirs->C_CloseAllSessions(slots[i]);
    return 1;
}

static CK_RV initialize(void *arguments) {
    if (fault("prints")) {
        char line[64];
        printf("vendor banner on standard output\n");
        fflush(stdout);
        if (write(1, "raw vendor bytes", 16) != 16 || read(0, line, sizeof line) != 0) return CKR_FUNCTION_FAILED;
    }
    crash_or_hang("initialize-crashes", "initialize-hangs");
    return theirs->C_Initialize(arguments);
}

/* Of the two tokens that a vendor gave one and the same serial only one is in. */
static CK_ULONG only_one(CK_SLOT_ID *slots, CK_ULONG count) {
    CK_ULONG i, wanted = exists("swapped");
    CK_TOKEN_INFO info;
    for (i = 0; i < count; i++) {
        if (theirs->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED)) continue;
        if (wanted-- == 0) {
            slots[0] = slots[i];
            return 1;
        }
    }
    return 0;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *answer, CK_ULONG *size) {
    static int has_grown;
    CK_SLOT_ID slots[MOST_SLOTS];
    CK_ULONG count = MOST_SLOTS, room = *size;
    CK_RV result;
    crash_or_hang("list-crashes", "list-hangs");
    result = theirs->C_GetSlotList(present, slots, &count);
    if (result != CKR_OK) return result;
    if (is_out()) count = 0;
    if (fault("same-serial")) count = only_one(slots, count);
    *size = count;
    if (!answer) return CKR_OK;
    if (room < count || (fault("growing-list") && !has_grown++)) return CKR_BUFFER_TOO_SMALL;
    memcpy(answer, slots, count * sizeof *slots);
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    static int first_seen;
    static CK_SLOT_ID first;
    char wrong[LONGEST];
    size_t failures = content("wrong", wrong);
    CK_RV result;
    if (is_out()) return CKR_TOKEN_NOT_PRESENT;
    if (!first_seen) first_seen = 1, first = slot;
    if (fault("unreadable-slot") && slot == first) return CKR_GENERAL_ERROR;
    result = theirs->C_GetTokenInfo(slot, info);
    if (result != CKR_OK) return result;
    if (fault("pin-pad") || fault("pad-cancelled")) info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (fault("must-change")) info->flags |= CKF_USER_PIN_TO_BE_CHANGED;
    info->flags &= ~(CK_FLAGS)CKF_USER_PIN_COUNT_LOW; /* SoftHSM's own, which a new test knows nothing of */
    if (fault("countdown") && failures > 0) info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (fault("countdown") && failures == TRIES - 1) info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (fault("locked") || (fault("countdown") && failures >= TRIES)) info->flags |= CKF_USER_PIN_LOCKED;
    if (fault("same-serial")) memcpy(info->serialNumber, "0000000000000001", sizeof info->serialNumber);
    if (fault("no-serials")) memset(info->serialNumber, ' ', sizeof info->serialNumber);
    if (fault("gbk-label")) {
        memset(info->label, ' ', sizeof info->label);
        memcpy(info->label, "\xb9\xab\xcb\xbe\xcb\xf8", 6);
    }
    return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session) {
    return is_out() ? CKR_TOKEN_NOT_PRESENT : theirs->C_OpenSession(slot, flags, data, notify, session);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE who, unsigned char *pin, CK_ULONG length) {
    char pressed[LONGEST], wrong[LONGEST];
    CK_RV result;
    if (is_out()) return CKR_DEVICE_REMOVED;
    note("logins", who == CKU_CONTEXT_SPECIFIC ? 'c' : 'u');
    crash_or_hang("login-crashes", "login-hangs");
    if (fault("login-fails")) return CKR_FUNCTION_FAILED;
    if (fault("pad-cancelled")) return CKR_FUNCTION_CANCELED;
    if (fault("countdown") && content("wrong", wrong) >= TRIES) return CKR_PIN_LOCKED;
    if (fault("pin-pad")) {
        if (pin || length) return CKR_FUNCTION_FAILED;
        length = content("pressed", pressed);
        pin = (unsigned char *)pressed;
    }
    result = theirs->C_Login(session, who, pin, length);
    if (result == CKR_PIN_INCORRECT) note("wrong", 'x');
    return result;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count) {
    return is_out() ? CKR_DEVICE_REMOVED : theirs->C_FindObjectsInit(session, wanted, count);
}

static CK_RV sign(
    CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG size, unsigned char *signature, CK_ULONG *room
) {
    CK_RV result, says;
    if (fault_with("pulled-out", &says)) {
        note("unplugged", 'x');
        is_out();
        return says;
    }
    crash_or_hang("sign-crashes", "sign-hangs");
    if (fault("slow")) usleep(400 * 1000);
    result = theirs->C_Sign(session, data, size, signature, room);
    if (fault("empty") && result == CKR_OK) *room = 0;
    if (fault("wrong-signature") && result == CKR_OK) signature[*room / 2] ^= 1;
    return result;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **answer) {
    void *library = dlopen(REAL_MODULE, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&theirs) != CKR_OK) return CKR_GENERAL_ERROR;
    ours = *theirs;
    ours.C_Initialize = initialize;
    ours.C_GetFunctionList = C_GetFunctionList;
    ours.C_GetSlotList = get_slot_list;
    ours.C_GetTokenInfo = get_token_info;
    ours.C_OpenSession = open_session;
    ours.C_Login = login;
    ours.C_FindObjectsInit = find_objects_init;
    ours.C_Sign = sign;
    *answer = &ours;
    return CKR_OK;
}
