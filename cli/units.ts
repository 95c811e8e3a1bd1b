/**
 * Figures for people: three digits and a unit.
 *
 * @module
 */

const IEC = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SI = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];

/** A number of bytes: `977 KiB`. */
export function byteText(bytes: number): string {
  return scaled(bytes, 1024, IEC);
}

/** A rate in bit/s: `12.3 Mbit/s`. */
export function rateText(bitPerSec: number): string {
  return scaled(bitPerSec, 1000, SI);
}

/** A time in µs: `0.03 ms`. */
export function timeText(us: number): string {
  return `${threeDigits(us / 1000)} ms`;
}

function scaled(
  value: number,
  factor: number,
  units: readonly string[],
): string {
  let unit = 0;
  // 999.5 has four digits once it is rounded.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= factor;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : threeDigits(value)} ${
    units[unit]
  }`;
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}
