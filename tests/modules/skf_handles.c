/* The test library's devices: folders below $SKF_DEVICES, DEVICE/APPLICATION/CONTAINER, present while they exist.
 *
 * How many handles are open is written to the file $SKF_HANDLES whenever it changes.
 */
#include "skf_mock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_OPEN = 64, WORD_ROOM = 64 };
static struct open table[MOST_OPEN];
static int open_now;

const char *devices(void) {
    const char *set = getenv("SKF_DEVICES");
    return set ? set : "/nowhere";
}

static void tell(int change) {
    const char *where = getenv("SKF_HANDLES");
    FILE *file = where ? fopen(where, "w") : NULL;
    open_now += change;
    if (!file) return;
    fprintf(file, "%d\n", open_now);
    fclose(file);
}

static int folder(const char *path, ino_t *inode) {
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode)) return 0;
    if (inode) *inode = found.st_ino;
    return 1;
}

struct open *handle_open(enum kind kind, struct open *above, const char *name) {
    int index;
    for (index = 0; index < MOST_OPEN; index++) {
        struct open *new = &table[index];
        if (new->kind != NOTHING) continue;
        memset(new, 0, sizeof *new);
        snprintf(new->path, sizeof new->path, "%.800s/%.200s", above ? above->path : devices(), name);
        if (kind != SESSION_KEY && !folder(new->path, &new->device)) return NULL;
        if (above) new->device = above->device;
        new->kind = kind, new->above = above;
        tell(1);
        return new;
    }
    return NULL;
}

void handle_close(struct open *open) {
    memset(open, 0, sizeof *open);
    tell(-1);
}

ULONG handle_check(const struct open *open, enum kind kind) {
    const struct open *device = open;
    ino_t now;
    if (open < table || open >= table + MOST_OPEN || open->kind != kind) return SAR_INVALIDHANDLEERR;
    while (device->above) device = device->above;
    if (device->kind != DEVICE) return SAR_INVALIDHANDLEERR;
    return folder(device->path, &now) && now == open->device ? SAR_OK : SAR_DEVICE_REMOVED;
}

ULONG names_in(const char *path, char *names, ULONG room) {
    struct dirent **found;
    int index, all = scandir(path, &found, NULL, alphasort);
    ULONG size = 0;
    for (index = 0; index < all; index++) {
        char inside[PATH_ROOM];
        size_t length = strlen(found[index]->d_name) + 1;
        snprintf(inside, sizeof inside, "%.700s/%.255s", path, found[index]->d_name);
        if (found[index]->d_name[0] != '.' && folder(inside, NULL)) {
            if (names && size + length < room) memcpy(names + size, found[index]->d_name, length);
            size += length;
        }
        free(found[index]);
    }
    if (all >= 0) free(found);
    if (names && size < room) names[size] = '\0';
    return size + 1;
}

void line_of(const char *path, const char *file, const char *otherwise, char *line, size_t room) {
    char whole[PATH_ROOM + WORD_ROOM];
    FILE *from;
    snprintf(whole, sizeof whole, "%s/%s", path, file);
    from = fopen(whole, "r");
    snprintf(line, room, "%s", otherwise);
    if (!from) return;
    if (fgets(line, (int)room, from)) line[strcspn(line, "\r\n")] = '\0';
    fclose(from);
}

void set_line(const char *path, const char *file, const char *line) {
    char whole[PATH_ROOM + WORD_ROOM];
    FILE *to;
    snprintf(whole, sizeof whole, "%s/%s", path, file);
    to = fopen(whole, "w");
    if (!to) return;
    fprintf(to, "%s\n", line);
    fclose(to);
}

static int fault_word(const char *function, char *word) {
    const char *set = getenv("SKF_FAULT");
    char wanted[WORD_ROOM];
    const char *found;
    snprintf(wanted, sizeof wanted, "%s=", function);
    found = set ? strstr(set, wanted) : NULL;
    return found && sscanf(found + strlen(wanted), "%63s", word) == 1;
}

int fault_is(const char *function, const char *word) {
    char found[WORD_ROOM];
    return fault_word(function, found) && strcmp(found, word) == 0;
}

ULONG fault_code(const char *function) {
    char word[WORD_ROOM];
    char *end;
    unsigned long code;
    if (!fault_word(function, word)) return SAR_OK;
    if (strcmp(word, "hang") == 0) sleep(600);
    if (strcmp(word, "crash") == 0) abort();
    code = strtoul(word, &end, 16);
    return *end ? SAR_OK : (ULONG)code;
}
