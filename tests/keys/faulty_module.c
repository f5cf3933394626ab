/* A PKCS#11 library that passes everything on to SoftHSM, except where FAULT names a fault of real tokens.
 *
 * No PKCS#11 header is needed: a CK_FUNCTION_LIST is a version and a row of pointers (v2.40, section 3.6).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ck;
typedef unsigned char byte;
struct list {
    byte version[2];
    void *call[68];
};
enum { INITIALIZE = 0, GET_FUNCTION_LIST = 3, GET_TOKEN_INFO = 6, LOGIN = 18, DECRYPT = 34, SIGN = 43 };
enum { OK = 0, GENERAL_ERROR = 5, FUNCTION_FAILED = 6, DEVICE_REMOVED = 0x32, PIN_INCORRECT = 0xA0, PIN_LOCKED = 0xA4 };
enum { PIN_PAD = 0x100, COUNT_LOW = 0x10000, FINAL_TRY = 0x20000, LOCKED = 0x40000 };
enum { FLAGS_AT = 96, TRIES = 3 };

static struct list ours, *theirs;
static int wrong, first_slot_seen;
static ck first_slot;

static int fault(const char *name) {
    const char *set = getenv("FAULT");
    return set && strcmp(set, name) == 0;
}

static ck initialize(void *arguments) {
    if (fault("prints")) {
        char line[64];
        printf("vendor banner on standard output\n");
        fflush(stdout);
        if (write(1, "raw vendor bytes", 16) != 16 || read(0, line, sizeof line) != 0) return FUNCTION_FAILED;
    }
    return ((ck(*)(void *))theirs->call[INITIALIZE])(arguments);
}

static ck get_token_info(ck slot, byte *info) {
    ck result, flags;
    if (!first_slot_seen) first_slot_seen = 1, first_slot = slot;
    if (fault("unreadable-slot") && slot == first_slot) return GENERAL_ERROR;
    result = ((ck(*)(ck, byte *))theirs->call[GET_TOKEN_INFO])(slot, info);
    if (result != OK) return result;
    memcpy(&flags, info + FLAGS_AT, sizeof flags);
    if (fault("pin-pad")) flags |= PIN_PAD;
    if (fault("countdown") && wrong > 0) flags |= COUNT_LOW;
    if (fault("countdown") && wrong == TRIES - 1) flags |= FINAL_TRY;
    if (fault("locked") || (fault("countdown") && wrong >= TRIES)) flags |= LOCKED;
    memcpy(info + FLAGS_AT, &flags, sizeof flags);
    if (fault("gbk-label")) memcpy(info, "\xb9\xab\xcb\xbe\xcb\xf8", 6), memset(info + 6, ' ', 26);
    return OK;
}

static ck login(ck session, ck who, byte *pin, ck length) {
    ck (*real)(ck, ck, byte *, ck) = theirs->call[LOGIN];
    ck result;
    if (fault("login-fails")) return FUNCTION_FAILED;
    if (fault("pin-pad")) {
        const char *pressed = getenv("PRESSED_ON_THE_PAD");
        return pin || length ? FUNCTION_FAILED : real(session, who, (byte *)pressed, strlen(pressed));
    }
    if (fault("countdown") && wrong >= TRIES) return PIN_LOCKED;
    result = real(session, who, pin, length);
    if (result == PIN_INCORRECT) wrong++;
    return result;
}

static ck sign(ck session, byte *data, ck size, byte *signature, ck *room) {
    ck result;
    if (fault("removed")) return DEVICE_REMOVED;
    if (fault("crashes")) abort();
    if (fault("hangs")) sleep(600);
    result = ((ck(*)(ck, byte *, ck, byte *, ck *))theirs->call[SIGN])(session, data, size, signature, room);
    if (fault("empty") && result == OK) *room = 0;
    if (fault("wrong-signature") && result == OK) signature[*room / 2] ^= 1;
    return result;
}

ck C_GetFunctionList(struct list **answer) {
    void *library = dlopen(REAL_MODULE, RTLD_NOW | RTLD_LOCAL);
    ck (*get)(struct list **) = library ? dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&theirs) != OK) return GENERAL_ERROR;
    memcpy(&ours, theirs, sizeof ours);
    ours.call[INITIALIZE] = initialize;
    ours.call[GET_FUNCTION_LIST] = C_GetFunctionList;
    ours.call[GET_TOKEN_INFO] = get_token_info;
    ours.call[LOGIN] = login;
    ours.call[SIGN] = sign;
    *answer = &ours;
    return OK;
}
