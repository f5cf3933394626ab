/* A test token for SM2: what its parts know of each other. Begin reading with sm2_module.c. */
#ifndef SM2_TOKEN_H
#define SM2_TOKEN_H

#define CRYPTOKI_COMPAT 1
#include <p11-kit/pkcs11.h>

#include <openssl/evp.h>
#include <stddef.h>

enum { MOST_ENTRIES = 12, MOST_MECHANISMS = 16, NAME_ROOM = 256, TRIES = 6 };

/* ---------------------------------------------------------------------------------------- sm2_families.c */

/* What a mechanism wants to sign: e itself, the message after Z, or the message, Z being put before it inside. */
enum input { INPUT_E, INPUT_PLAIN, INPUT_MESSAGE };

/* How a ciphertext or a signature is written. */
struct form {
    int der;          /* else raw: r||s, or the parts of the ciphertext one after the other */
    int prefix;       /* the 04 before C1 */
    int hash_at_end;  /* C1C2C3, else C1C3C2 */
};

struct mechanism {
    CK_MECHANISM_TYPE number;
    CK_FLAGS use;  /* CKF_SIGN or CKF_DECRYPT */
    enum input input;
    struct form form;
};

struct family {
    CK_KEY_TYPE key_type;
    size_t count;
    struct mechanism mechanisms[MOST_MECHANISMS];
};

/* The family that the environment asks for: SM2_MECHANISMS in words of its own, else SM2_FAMILY by name. */
const struct family *family_chosen(void);

/* The mechanism with this number for this use, NULL if the family has none. */
const struct mechanism *family_mechanism(CK_MECHANISM_TYPE number, CK_FLAGS use);

/* ------------------------------------------------------------------------------------------ sm2_folder.c */

/* One certificate of the folder, with its private key or without. */
struct entry {
    char name[NAME_ROOM];  /* of the files, without .crt and .key; it is the CKA_ID */
    unsigned char *certificate;
    int certificate_size;
    EVP_PKEY *key;
    int is_rsa;
};

/* Look whether the folder is there, and is still the same one: 1 yes, 0 no. A new one is read. */
int folder_present(void);

/* Counts the folders that were plugged in: whoever remembers another number holds handles of another token. */
unsigned folder_generation(void);

size_t folder_count(void);
const struct entry *folder_entry(size_t index);

/* The first line of a small file of the folder, `otherwise` if there is none. */
void folder_line(const char *file, const char *otherwise, char *line, size_t room);

/* Compare a PIN and count: CKR_OK, CKR_PIN_INCORRECT, CKR_PIN_LOCKED. */
CK_RV folder_check_pin(const unsigned char *pin, size_t size);

/* CKF_USER_PIN_COUNT_LOW, _FINAL_TRY, _LOCKED, as they stand. */
CK_FLAGS folder_pin_flags(void);

/* ------------------------------------------------------------------------------------------ sm2_crypto.c */

/* All give 1 for success; `size` comes in as the room and goes out as what was written. */
int sm2_sign(EVP_PKEY *key, const struct mechanism *how, const unsigned char *data, size_t length,
             unsigned char *signature, size_t *size);
int sm2_decrypt(EVP_PKEY *key, struct form form, const unsigned char *data, size_t length,
                unsigned char *plain, size_t *size);
int rsa_sign(EVP_PKEY *key, const unsigned char *data, size_t length, unsigned char *signature, size_t *size);
int rsa_decrypt(EVP_PKEY *key, int oaep, const unsigned char *data, size_t length, unsigned char *plain,
                size_t *size);

/* ---------------------------------------------------------------------------------------- sm2_sessions.c */

struct session {
    unsigned generation;  /* of the folder when it was opened; 0: not open */
    CK_OBJECT_HANDLE found[2 * MOST_ENTRIES];
    size_t found_count, found_next;
    CK_FLAGS operation;  /* CKF_SIGN or CKF_DECRYPT while one is going on */
    CK_MECHANISM_TYPE mechanism;
    const struct entry *entry;
    int needs_pin;  /* the key wants its PIN for this one operation */
};

/* The session with this handle: CKR_OK, CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID. */
CK_RV session_get(CK_SESSION_HANDLE handle, struct session **session);

/* The certificate with its key behind the handle of a private key, NULL if it is not one or hidden. */
const struct entry *session_private(CK_OBJECT_HANDLE object);

/* Whether each use of a private key wants the PIN: SM2_ALWAYS_AUTHENTICATE is set. */
int always_authenticate(void);

CK_RV session_open(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE *handle);
CK_RV session_close(CK_SESSION_HANDLE handle);
CK_RV session_close_all(CK_SLOT_ID slot);
CK_RV session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info);
CK_RV session_login(CK_SESSION_HANDLE handle, CK_USER_TYPE who, unsigned char *pin, unsigned long size);
CK_RV session_logout(CK_SESSION_HANDLE handle);
CK_RV session_find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *wanted, unsigned long count);
CK_RV session_found(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, unsigned long room, unsigned long *count);
CK_RV session_find_end(CK_SESSION_HANDLE handle);
CK_RV session_attributes(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *asked,
                         unsigned long count);

#endif
