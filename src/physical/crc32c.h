/* CRC-32C (Castagnoli), as pg_control and backup_manifest have it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Of what has the checksum CRC (0: nothing yet), continued by LENGTH bytes. */
uint32_t rh_crc32c(uint32_t crc, const void *bytes, size_t length);
