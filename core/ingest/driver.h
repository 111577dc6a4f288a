/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/ingest/driver.h - what a protocol driver is.
 *
 * A driver is one file with one exported const table and one line in drivers.def. It is handed
 * bytes and the time, and answers with observations and bytes. It never sees a socket, a clock, the
 * heap or the model: the same table runs under libuv, in golden tests, in the simulation and in the
 * fuzzer. Its session memory is the caller's; what must outlive a session lives in the model.
 */
#pragma once

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/event/events.gen.h"

enum tc_obs_kind {
    TC_OBS_NONE,
    TC_OBS_LINK_UP,   /* the peer answers and is set up; text = its identity, network */
    TC_OBS_LINK_DOWN, /* text = why */
    TC_OBS_POSITION,
    TC_OBS_HEARD,  /* sign of life of `address`, no position */
    TC_OBS_STATUS, /* code */
    TC_OBS_TEXT,
    TC_OBS_EMERGENCY, /* sign; `address` calls for help; position when it has one */
    TC_OBS_CALL_START,
    TC_OBS_CALL_TALKER,
    TC_OBS_CALL_END,
    TC_OBS_SENT,     /* outcome of send(): message_ref, is_ok, cause */
    TC_OBS_DELIVERY, /* report for message_ref from `address`: code is the delivery status */
    TC_OBS_READING,
    TC_OBS_DEVICE_ALARM, /* raised or cleared by the device itself */
    TC_OBS_CASE,
    TC_OBS_REPORT,  /* something is said to have happened */
    TC_OBS_REJECTED /* a frame that could not be used; text = why, detail = the frame */
};

/** A decoded message, not yet judged. Texts are borrowed for the call. */
struct tc_obs {
    enum tc_obs_kind kind;
    uint32_t ref;          /* >0: outcome() is called with it once the verdict is durable */
    uint64_t key;          /* recognises a redelivery; 0: none */
    int64_t key_window_us; /* a derived key counts only this long; 0: for the whole ring */
    int64_t occurred_us;   /* by the source; 0: now */
    struct tc_str address; /* radio address (digits), device id, caller's own id */
    struct tc_str crs;     /* system of x, y: "" is WGS 84 lon, lat */
    bool has_position;
    int64_t x_e7; /* lon, or easting, times 1e7 in the source's system */
    int64_t y_e7;
    /* position */
    uint32_t speed_cms; /* UINT32_MAX unknown */
    uint16_t heading_deg;
    uint16_t reason;
    uint32_t error_m;
    uint32_t age_s;
    /* status, delivery, sent, calls */
    uint32_t code;
    uint32_t message_ref; /* sent, delivery: tc_send.ref */
    uint32_t cause;
    bool is_ok;
    bool is_cleared;      /* device alarm */
    enum tc_sign sign;    /* emergency */
    struct tc_str group;  /* called address */
    uint32_t instance;    /* call instance on the link */
    uint32_t priority;    /* call priority */
    struct tc_str text;   /* text, description, identity, why */
    struct tc_str factor; /* reading, device alarm: the standard's code */
    int64_t value_e6;
    struct tc_str unit_text;
    enum tc_quality quality;
    enum tc_alarm_level level; /* device alarm; NONE: by limits */
    /* case, report */
    struct tc_str foreign_id;
    struct tc_str service_code;
    struct tc_str type; /* incident type of a report, or "" */
    struct tc_str address_text;
    struct tc_str media_url;
    struct tc_str caller_name;
    struct tc_str caller_phone;
    struct tc_str network;
    /** The protocol's own fields as one JSON object; made only when out->wants_detail. */
    struct tc_str detail;
    /** What the driver overlooked to take this: "" when the frame keeps all rules. */
    struct tc_str lenient;
};

/** Where a driver puts what it found. `arena` lives until the call returns. */
struct tc_driver_out {
    void *ctx;
    void (*bytes)(void *ctx, const void *bytes, size_t len); /* to the peer */
    void (*observe)(void *ctx, const struct tc_obs *obs);
    struct tc_arena *arena;
    bool wants_detail; /* `tocsin decode`: fill obs->detail */
};

/** Outcome of looking for one frame at the front of a byte stream. */
struct tc_framed {
    tc_err err;   /* TC_OK, TC_EAGAIN (wait for more), TC_EMALFORMED (drop `skip`, look again) */
    size_t skip;  /* bytes before the frame: line noise, a resync */
    size_t total; /* bytes of the whole frame */
};

/** An order's attempt, to be put on the wire. */
struct tc_send {
    uint32_t ref;
    struct tc_str address;
    struct tc_str text; /* with number and repeat mark already in it */
    bool is_status;
    uint32_t status;
    enum tc_priority priority;
};

/** What became of an observation, once that is durable. */
struct tc_told {
    uint32_t ref;
    bool is_taken;   /* also when it was taken before */
    uint64_t seq;    /* of the event that it first led to */
    const char *why; /* code of a refusal, or "" */
};

/** Per source, from the configuration. */
struct tc_driver_options {
    struct tc_str profile; /* vendor or checksum profile, "" the standard's */
    struct tc_str network; /* radio network name */
    struct tc_str param;   /* further options "name=value name=value" */
};

enum {
    TC_CAP_RECEIVES = 1,
    TC_CAP_SENDS = 2,
    TC_CAP_CALLS = 4,   /* follows calls */
    TC_CAP_DIALOGUE = 8 /* the driver speaks first (a radio); otherwise the peer does */
};

struct tc_driver {
    const char *name;   /* "tetra_pei": configuration, metrics, golden folder */
    uint32_t frame_max; /* longest legal frame, bytes */
    size_t self_size;   /* session memory, zeroed by the caller */
    uint32_t caps;

    /** A session begins. `options` is borrowed for the session's life. */
    void (*open)(void *self, const struct tc_driver_options *options, int64_t now_us,
                 struct tc_driver_out *out);
    /** Find a frame. Makes progress: TC_OK, or skip > 0, or TC_EAGAIN. */
    struct tc_framed (*frame)(const uint8_t *bytes, size_t len);
    /** One whole frame. An error means: not usable (already observed as REJECTED). */
    tc_err (*decode)(void *self, struct tc_str frame, int64_t now_us, struct tc_driver_out *out);
    /** Send one; the result comes as TC_OBS_SENT, or never when nobody can say whether it left.
     * TC_EAGAIN: not now. NULL: cannot send. */
    tc_err (*send)(void *self, const struct tc_send *request, int64_t now_us,
                   struct tc_driver_out *out);
    /** The verdict on the observation that carried `told->ref` is durable. NULL ok. */
    void (*outcome)(void *self, const struct tc_told *told, int64_t now_us,
                    struct tc_driver_out *out);
    /** Time passes. Returns when it wants to be called next (INT64_MAX: never). NULL ok. */
    int64_t (*tick)(void *self, int64_t now_us, struct tc_driver_out *out);
    /** `tocsin decode --hex`: one written line, when it is not simply the hex of a frame. NULL ok.
     */
    tc_err (*decode_line)(void *self, struct tc_str line, struct tc_driver_out *out);
};

/** All drivers, NULL-terminated, in drivers.def order. */
extern const struct tc_driver *const tc_drivers[];
/** NULL when there is none of that name. */
const struct tc_driver *tc_driver_find(struct tc_str name);

/** De-duplication key from parts; never 0. */
uint64_t tc_obs_key(struct tc_str a, struct tc_str b, struct tc_str c);

/** A zeroed observation with its "unknown" values in place. */
struct tc_obs tc_obs_init(enum tc_obs_kind kind);

/** For drivers whose transport keeps the bounds of messages (nanomsg, HTTP): nothing to begin with,
 * and what comes is one frame. */
void tc_driver_open_nothing(void *self, const struct tc_driver_options *options, int64_t now_us,
                            struct tc_driver_out *out);
struct tc_framed tc_driver_frame_whole(const uint8_t *bytes, size_t len);
