/* The digest of names: the sum of the CRC-32 of all their steps, as talos_ref/golden/digest.py defines it. */
#include "internal.h"

/* What four bits are worth: polynomial 0x04C11DB7, reflected. */
static const uint32_t nibbles[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

static uint32_t add_byte(uint32_t crc, uint32_t byte) {
    crc ^= byte;
    crc = crc >> 4 ^ nibbles[crc & 15];
    return crc >> 4 ^ nibbles[crc & 15];
}

talos_status talos_digest(const talos_model *model, const uint32_t *seeds, size_t names, const uint8_t *tokens,
                          size_t capacity, uint32_t limit, talos_digest_result *result) {
    if (!model || !result || (names && (!seeds || !tokens))) return TALOS_BAD_ARGUMENT;
    size_t block = model->config.block_size;
    uint8_t bos = (uint8_t)(model->config.vocab_size - 1);
    if (limit == 0 || limit >= block) return TALOS_BAD_ARGUMENT;
    if (capacity / block < names) return TALOS_BUFFER_TOO_SMALL;
    for (size_t name = 0; name < names; name++) {
        uint32_t seed = seeds[name], of_seed = 0xFFFFFFFF;
        for (int byte = 0; byte < 4; byte++) of_seed = add_byte(of_seed, seed >> 8 * byte & 0xFF);
        for (uint32_t position = 0; position < limit; position++) {
            uint8_t token = tokens[name * block + position];
            result->digest += ~add_byte(add_byte(of_seed, position), token);
            result->steps++;
            if (token == bos) break;
            result->letters++;
        }
    }
    return TALOS_OK;
}
