/* The vendor families of SM2 mechanisms that the test token can play, written as short lines of text. */
#include "sm2_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* key=TYPE, sign=NUMBER,e|plain|message,raw|der and open=NUMBER,der|[04-]132|[04-]123; numbers in hex.
 * The numbers of a, b and c stand in public headers; those of "unlisted" and "strange" stand nowhere. */
static const char *const FAMILIES[][2] = {
    {"a",
     "key=80000004 sign=80008100,plain,raw sign=80008101,plain,der sign=80008102,message,raw "
     "sign=80008103,message,der sign=80008104,e,der sign=80008105,e,raw open=80008200,04-132 open=80008201,der"},
    {"b", "key=80000001 sign=80000004,e,raw open=80000004,132"},
    {"c", "key=00010001 sign=00010004,message,raw sign=00010002,e,raw open=00010001,04-123"},
    {"unlisted", "key=8000abcd sign=8000ab01,message,der open=8000ab02,123"},
    {"strange", "key=0000abcd sign=0000ab01,e,der open=0000ab02,der"},
};

static void add_signing(struct family *family, const char *word) {
    struct mechanism *new = &family->mechanisms[family->count];
    char input[16], output[16];
    if (family->count == MOST_MECHANISMS) return;
    if (sscanf(word, "sign=%lx,%15[^,],%15s", &new->number, input, output) != 3) return;
    new->use = CKF_SIGN;
    new->input = strcmp(input, "e") == 0 ? INPUT_E : strcmp(input, "plain") == 0 ? INPUT_PLAIN : INPUT_MESSAGE;
    new->form.der = strcmp(output, "der") == 0;
    family->count++;
}

static void add_opening(struct family *family, const char *word) {
    struct mechanism *new = &family->mechanisms[family->count];
    char form[16];
    if (family->count == MOST_MECHANISMS) return;
    if (sscanf(word, "open=%lx,%15s", &new->number, form) != 2) return;
    new->use = CKF_DECRYPT;
    new->form.der = strcmp(form, "der") == 0;
    new->form.prefix = strncmp(form, "04-", 3) == 0;
    new->form.hash_at_end = strstr(form, "123") != NULL;
    family->count++;
}

static void read_family(struct family *family, const char *text) {
    char *copy = strdup(text), *rest = copy, *word;
    memset(family, 0, sizeof *family);
    while ((word = strsep(&rest, " ")) != NULL) {
        sscanf(word, "key=%lx", &family->key_type);
        add_signing(family, word);
        add_opening(family, word);
    }
    free(copy);
}

static const char *text_chosen(void) {
    const char *own = getenv("SM2_MECHANISMS"), *name = getenv("SM2_FAMILY");
    size_t index;
    if (own) return own;
    for (index = 0; name && index < sizeof FAMILIES / sizeof *FAMILIES; index++)
        if (strcmp(FAMILIES[index][0], name) == 0) return FAMILIES[index][1];
    return FAMILIES[0][1];
}

const struct family *family_chosen(void) {
    static struct family chosen;
    if (chosen.count == 0) read_family(&chosen, text_chosen());
    return &chosen;
}

const struct mechanism *family_mechanism(CK_MECHANISM_TYPE number, CK_FLAGS use) {
    const struct family *family = family_chosen();
    size_t index;
    for (index = 0; index < family->count; index++)
        if (family->mechanisms[index].number == number && family->mechanisms[index].use == use)
            return &family->mechanisms[index];
    return NULL;
}
