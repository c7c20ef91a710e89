/* Does work on messages with the codec that asn1c made. The protocol is that of src/drive.rs. */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct OCTET_STRING OCTET_STRING_t;
static uint64_t visit_octets(const OCTET_STRING_t *value);
static uint64_t visit_number(const OCTET_STRING_t *value);
#include <BIT_STRING.h>
static uint64_t visit_bits(const BIT_STRING_t *value);
#include "visits.h"

static uint64_t allocations;
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t size) { allocations++; return __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { allocations++; return __real_calloc(n, size); }
void *__wrap_realloc(void *old, size_t size) { allocations++; return __real_realloc(old, size); }

static uint64_t visit_octets(const OCTET_STRING_t *value) {
    uint64_t sum = 0;
    for (int i = 0; i < value->size; i++) sum += value->buf[i];
    return sum;
}

static uint64_t visit_number(const OCTET_STRING_t *value) {
    uint64_t number = 0;
    for (int i = 0; i < value->size; i++) number = number << 8 | value->buf[i];
    return number;
}

static uint64_t visit_bits(const BIT_STRING_t *value) {
    uint64_t number = 0;
    for (int i = 0; i < value->size; i++) number = number << 8 | value->buf[i];
    return number >> value->bits_unused;
}

struct message {
    uint8_t *bytes;
    uint32_t length;
    uint8_t phase;
    MessageFrame_t *kept;
};

static void die(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void take(void *to, size_t size) {
    if (fread(to, 1, size, stdin) != size) die("the messages end early");
}

static MessageFrame_t *decode(const struct message *message) {
    MessageFrame_t *frame = NULL;
    asn_dec_rval_t result = uper_decode_complete(
        NULL, &asn_DEF_MessageFrame, (void **)&frame, message->bytes, message->length);
    if (result.code != RC_OK) die("a message is refused");
    return frame;
}

static uint64_t peek(const MessageFrame_t *frame) {
    if (frame->present != MessageFrame_PR_bsmframe) return 0;
    const BasicSafetyMessage_t *bsm = &frame->choice.bsmframe;
    return visit_number(&bsm->id) + (uint64_t)bsm->pos.lat + (uint64_t)bsm->pos.longwise
        + (uint64_t)bsm->speed;
}

static uint64_t find(const MessageFrame_t *frame, uint8_t sought) {
    if (frame->present != MessageFrame_PR_spatframe) return 0;
    const IntersectionStateList_t *intersections = &frame->choice.spatframe.intersections;
    for (int i = 0; i < intersections->list.count; i++) {
        const PhaseList_t *phases = &intersections->list.array[i]->phases;
        for (int j = 0; j < phases->list.count; j++) {
            const Phase_t *phase = phases->list.array[j];
            if (phase->id != sought) continue;
            const PhaseState_t *state = phase->phasestates.list.array[0];
            uint64_t sum = (uint64_t)state->light;
            if (!state->timing) return sum;
            return sum + (state->timing->present == TimeChangeDetails_PR_counting
                ? (uint64_t)state->timing->choice.counting.likelyendtime
                : (uint64_t)state->timing->choice.utctiming.likelyendutctime);
        }
    }
    return 0;
}

static uint8_t buffer[1 << 16];

static size_t encode(const struct message *message) {
    asn_enc_rval_t result = uper_encode_to_buffer(
        &asn_DEF_MessageFrame, message->kept, buffer, sizeof buffer);
    if (result.encoded < 0) die("a message cannot be encoded");
    return (size_t)(result.encoded + 7) / 8;
}

static uint64_t work(int kind, const struct message *message) {
    if (kind == 'e') return encode(message);
    MessageFrame_t *frame = decode(message);
    uint64_t sum = kind == 'd' ? visit_MessageFrame(frame)
        : kind == 'p' ? peek(frame)
        : find(frame, message->phase);
    ASN_STRUCT_FREE(asn_DEF_MessageFrame, frame);
    return sum;
}

int main(void) {
    uint32_t count;
    take(&count, sizeof count);
    struct message *messages = calloc(count, sizeof *messages);
    for (uint32_t i = 0; i < count; i++) {
        take(&messages[i].phase, 1);
        take(&messages[i].length, sizeof messages[i].length);
        messages[i].bytes = malloc(messages[i].length);
        take(messages[i].bytes, messages[i].length);
        messages[i].kept = decode(&messages[i]);
        if (encode(&messages[i]) != messages[i].length
            || memcmp(buffer, messages[i].bytes, messages[i].length))
            die("a message comes out otherwise than it went in");
    }
    for (int kind; (kind = getchar()) != EOF;) {
        struct timespec begin, end;
        uint64_t sum = 0;
        allocations = 0;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (uint32_t i = 0; i < count; i++) sum += work(kind, &messages[i]);
        clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t ns = (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + (end.tv_nsec - begin.tv_nsec);
        printf("%" PRId64 " %" PRIu64 " %" PRIu64 "\n", ns, sum, allocations);
        fflush(stdout);
    }
    return 0;
}
