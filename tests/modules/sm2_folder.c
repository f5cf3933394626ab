/* The test token's memory: a folder with NAME.crt and NAME.key as PEM. The token is plugged in while it exists. */
#include "sm2_token.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096, LINE_ROOM = 300 };

static struct entry entries[MOST_ENTRIES];
static size_t count;
static unsigned generation;
static ino_t known;

static const char *folder(void) {
    const char *set = getenv("SM2_TOKEN");
    return set ? set : "";
}

static FILE *opened(const char *name, const char *ending, const char *mode) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/%s%s", folder(), name, ending);
    return fopen(path, mode);
}

static void forget(void) {
    while (count > 0) {
        count--;
        EVP_PKEY_free(entries[count].key);
        OPENSSL_free(entries[count].certificate);
    }
    memset(entries, 0, sizeof entries);
}

static void read_entry(const char *name) {
    struct entry *new = &entries[count];
    FILE *file = opened(name, ".crt", "r");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    if (!certificate) return;
    snprintf(new->name, sizeof new->name, "%s", name);
    new->certificate_size = i2d_X509(certificate, &new->certificate);
    X509_free(certificate);
    file = opened(name, ".key", "r");
    new->key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file) fclose(file);
    new->is_rsa = new->key && EVP_PKEY_is_a(new->key, "RSA");
    count++;
}

static void read_folder(void) {
    struct dirent **found;
    int index, all = scandir(folder(), &found, NULL, alphasort);
    forget();
    for (index = 0; index < all; index++) {
        char *ending = strrchr(found[index]->d_name, '.');
        if (ending && strcmp(ending, ".crt") == 0 && count < MOST_ENTRIES) {
            *ending = '\0';
            read_entry(found[index]->d_name);
        }
        free(found[index]);
    }
    if (all >= 0) free(found);
}

int folder_present(void) {
    struct stat now;
    if (stat(folder(), &now) != 0 || !S_ISDIR(now.st_mode)) {
        if (known) generation++;
        known = 0;
        forget();
        return 0;
    }
    if (now.st_ino != known) {
        generation++;
        known = now.st_ino;
        read_folder();
    }
    return 1;
}

unsigned folder_generation(void) { return generation; }

size_t folder_count(void) { return count; }

const struct entry *folder_entry(size_t index) { return &entries[index]; }

void folder_line(const char *file, const char *otherwise, char *line, size_t room) {
    FILE *from = opened(file, "", "r");
    snprintf(line, room, "%s", otherwise);
    if (!from) return;
    if (fgets(line, (int)room, from)) line[strcspn(line, "\r\n")] = '\0';
    fclose(from);
}

static int wrong_so_far(void) {
    char line[LINE_ROOM];
    folder_line("wrong", "0", line, sizeof line);
    return atoi(line);
}

static void count_wrong(int times) {
    FILE *file = opened("wrong", "", "w");
    if (!file) return;
    fprintf(file, "%d\n", times);
    fclose(file);
}

CK_RV folder_check_pin(const unsigned char *pin, size_t size) {
    char right[LINE_ROOM];
    int wrong = wrong_so_far();
    if (wrong >= TRIES) return CKR_PIN_LOCKED;
    folder_line("pin", "123456", right, sizeof right);
    if (pin && size == strlen(right) && memcmp(pin, right, size) == 0) {
        count_wrong(0);
        return CKR_OK;
    }
    count_wrong(++wrong);
    return wrong >= TRIES ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
}

CK_FLAGS folder_pin_flags(void) {
    int wrong = wrong_so_far();
    CK_FLAGS flags = 0;
    if (wrong > 0) flags |= CKF_USER_PIN_COUNT_LOW;
    if (wrong == TRIES - 1) flags |= CKF_USER_PIN_FINAL_TRY;
    if (wrong >= TRIES) flags |= CKF_USER_PIN_LOCKED;
    return flags;
}
