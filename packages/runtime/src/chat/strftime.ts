const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

const two = (value: number) => String(value).padStart(2, "0");

/** Of Python's format codes those that dates in prompts are made of, in English and local time. */
const codes: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2, " "),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  A: (date) => days[date.getDay()]!,
  a: (date) => days[date.getDay()]!.slice(0, 3),
  B: (date) => months[date.getMonth()]!,
  b: (date) => months[date.getMonth()]!.slice(0, 3),
  F: (date) => strftime(date, "%Y-%m-%d"),
  T: (date) => strftime(date, "%H:%M:%S"),
  "%": () => "%",
};

/** @throws Error: a code that is not known */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)(.?)/gs, (text, bare: string, code: string) => {
    const write = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (write === undefined) throw new Error(`strftime_now does not know ${text}`);
    // "%-d": without the padding.
    return bare === "" ? write(date) : write(date).replace(/^[0 ](?=.)/, "");
  });
}
