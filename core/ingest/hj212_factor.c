/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of factors: HJ 212-2017 annex B beside HJ/T 212-2005 annex B. */
#include "core/ingest/hj212.h"

static const struct {
    const char *code;
    const char *old; /* in 2005, or "" */
    const char *unit;
} factors[] = {
    {"w00000", "B01", "L/s"},  {"w01001", "001", ""},     {"w01009", "", "mg/L"},
    {"w01010", "", "℃"},       {"w01014", "", "µS/cm"},   {"w01018", "011", "mg/L"},
    {"w01019", "", "mg/L"},    {"w20111", "020", "µg/L"}, {"w20115", "022", "µg/L"},
    {"w20117", "024", "µg/L"}, {"w20120", "027", "µg/L"}, {"w21001", "065", "mg/L"},
    {"w21003", "060", "mg/L"}, {"w21011", "101", "mg/L"}, {"w22001", "080", "mg/L"},
    {"a00000", "B02", "m³/s"}, {"a01001", "", "℃"},       {"a01002", "", "%"},
    {"a01006", "", "kPa"},     {"a01007", "", "m/s"},     {"a01008", "", "°"},
    {"a01011", "S02", "m/s"},  {"a01012", "S03", "℃"},    {"a01013", "S08", "kPa"},
    {"a01014", "S05", "%"},    {"a19001", "S01", "%"},    {"a21001", "10", "mg/m³"},
    {"a21002", "03", "mg/m³"}, {"a21004", "", "mg/m³"},   {"a21005", "04", "mg/m³"},
    {"a21022", "11", "mg/m³"}, {"a21026", "02", "mg/m³"}, {"a21028", "05", "mg/m³"},
    {"a24087", "25", "mg/m³"}, {"a24088", "", "mg/m³"},   {"a34001", "", "µg/m³"},
    {"a34002", "", "µg/m³"},   {"a34004", "", "µg/m³"},   {"LA", "", "dB(A)"},
    {"Leq", "", "dB(A)"},      {"LMx", "", "dB(A)"},      {"LMn", "", "dB(A)"},
    {"L5", "", "dB(A)"},       {"L10", "", "dB(A)"},      {"L50", "", "dB(A)"},
    {"L90", "", "dB(A)"},      {"L95", "", "dB(A)"},      {"Ld", "", "dB(A)"},
    {"Ln", "", "dB(A)"},       {"Ldn", "", "dB(A)"},
};

struct tc_str tc_hj212_factor(struct tc_str code)
{
    for (size_t i = 0; i < TC_COUNT_OF(factors); i++) {
        if (factors[i].old[0] && tc_str_is(code, factors[i].old)) {
            return tc_str_of(factors[i].code);
        }
    }
    return code;
}

const char *tc_hj212_unit(struct tc_str factor)
{
    for (size_t i = 0; i < TC_COUNT_OF(factors); i++) {
        if (tc_str_is(factor, factors[i].code)) {
            return factors[i].unit;
        }
    }
    return "";
}
