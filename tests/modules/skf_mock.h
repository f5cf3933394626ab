/* A test library for SKF (GM/T 0016): what its parts know of each other. Begin reading with skf_mock.c.
 *
 * -DULONG_BYTES=4 or 8 and -DPACKED=0 or 1 choose one of the four faces that vendors give the same interface.
 */
#ifndef SKF_MOCK_H
#define SKF_MOCK_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#if ULONG_BYTES == 8
typedef uint64_t ULONG;
#else
typedef uint32_t ULONG;
#endif
typedef int32_t BOOL;
typedef unsigned char BYTE;
typedef void *HANDLE;

enum {
    SAR_OK = 0,
    SAR_NOTSUPPORTYETERR = 0x0A000003,
    SAR_INVALIDHANDLEERR = 0x0A000005,
    SAR_INVALIDPARAMERR = 0x0A000006,
    SAR_KEYUSAGEERR = 0x0A00000A,
    SAR_INDATALENERR = 0x0A000010,
    SAR_INDATAERR = 0x0A000011,
    SAR_KEYNOTFOUNTERR = 0x0A00001B,
    SAR_CERTNOTFOUNTERR = 0x0A00001C,
    SAR_BUFFER_TOO_SMALL = 0x0A000020,
    SAR_DEVICE_REMOVED = 0x0A000023,
    SAR_PIN_INCORRECT = 0x0A000024,
    SAR_PIN_LOCKED = 0x0A000025,
    SAR_USER_NOT_LOGGED_IN = 0x0A00002D,
    SAR_APPLICATION_NOT_EXISTS = 0x0A00002E,
    SAR_CONTAINER_NOT_EXISTS = 0x0A000034,
};
enum { SGD_SM4_ECB = 0x401, SGD_SM4_CBC = 0x402 };
enum { FIELD = 64, NUMBER = 32, HASH_SIZE = 32, PATH_ROOM = 1024, KEY_ROOM = 64, PIN_TRIES = 6 };

#if PACKED
#pragma pack(push, 1)
#endif
typedef struct {
    BYTE version[2];
    char manufacturer[64], issuer[64], label[32], serial[32];
    BYTE hardware[2], firmware[2];
    ULONG symmetric, asymmetric, hash, device_authentication, total, left, most_ecc, most;
    BYTE reserved[64];
} DEVINFO;
typedef struct {
    ULONG bits;
    BYTE x[FIELD], y[FIELD];
} ECCPUBLICKEYBLOB;
typedef struct {
    BYTE x[FIELD], y[FIELD], hash[HASH_SIZE];
    ULONG size;
    BYTE cipher[1];
} ECCCIPHERBLOB;
typedef struct {
    BYTE r[FIELD], s[FIELD];
} ECCSIGNATUREBLOB;
typedef struct {
    BYTE iv[32];
    ULONG iv_size, padding, feedback;
} BLOCKCIPHERPARAM;
#if PACKED
#pragma pack(pop)
#endif

/* ---------------------------------------------------------------------------------------- skf_handles.c */

enum kind { NOTHING, DEVICE, APPLICATION, CONTAINER, SESSION_KEY };

/* Something that is open: a folder, or the key of a session. */
struct open {
    enum kind kind;
    char path[PATH_ROOM];
    ino_t device;       /* of the device's folder when it was connected */
    struct open *above; /* the application of a container, the device of an application */
    int logged_in;      /* of an application */
    BYTE key[KEY_ROOM]; /* of a session, with what it is for */
    ULONG algorithm;
    BLOCKCIPHERPARAM parameters;
};

/* The folder with all devices, from the environment variable SKF_DEVICES. */
const char *devices(void);

/* A new handle below `above`, NULL for a device; NULL if the folder is not there. */
struct open *handle_open(enum kind kind, struct open *above, const char *name);
void handle_close(struct open *open);

/* SAR_OK if the handle is open, of this kind, and its device is still the one that was connected. */
ULONG handle_check(const struct open *open, enum kind kind);

/* The names of the folders in `path`, each with its NUL, and one more at the end; the size. */
ULONG names_in(const char *path, char *names, ULONG room);

/* The first line of a small file of a folder, `otherwise` if there is none. */
void line_of(const char *path, const char *file, const char *otherwise, char *line, size_t room);
void set_line(const char *path, const char *file, const char *line);

/* What the environment variable SKF_FAULT ("FUNCTION=FAULT ...") says of a function: hangs or crashes there, or
 * gives the SAR code in hex; 0 if it says nothing. */
ULONG fault_code(const char *function);
/* Whether it says this word. */
int fault_is(const char *function, const char *word);

/* ------------------------------------------------------------------------------------------- skf_keys.c */

/* All give 1 for success. `use` is "sign" or "encrypt", the beginning of the names of the PEM files. */
EVP_PKEY *key_read(const char *container, const char *use);
int certificate_read(const char *container, const char *use, BYTE **der, ULONG *size);
int key_sign_e(EVP_PKEY *key, const BYTE *e, ULONG size, ECCSIGNATUREBLOB *signature);
int key_sign_rsa(EVP_PKEY *key, const BYTE *data, ULONG size, BYTE *signature, size_t *room);
int key_public(EVP_PKEY *key, ECCPUBLICKEYBLOB *blob);
int key_open(EVP_PKEY *key, const ECCCIPHERBLOB *blob, BYTE *plain, size_t *size);
int sm4_decrypt(const struct open *key, const BYTE *data, ULONG size, BYTE *plain);

#endif
