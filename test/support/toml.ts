type TomlValue = string | number | boolean | readonly TomlValue[] | TomlTable;
export interface TomlTable {
  readonly [key: string]: TomlValue | undefined;
}

/** Writes a configuration as TOML: values first, then tables and arrays of tables. Keys that are undefined are left out. */
export function renderToml(table: TomlTable, path: readonly string[] = []): string {
  const lines: string[] = [];
  const sections: string[] = [];
  for (const [key, value] of Object.entries(table)) {
    if (value === undefined) continue;
    const here = [...path, quoteKey(key)];
    if (isTable(value)) sections.push(`\n[${here.join(".")}]\n${renderToml(value, here)}`);
    else if (isTables(value))
      for (const each of value) sections.push(`\n[[${here.join(".")}]]\n${renderToml(each, here)}`);
    else lines.push(`${quoteKey(key)} = ${JSON.stringify(value)}\n`); // JSON of scalars and their arrays is TOML.
  }
  return lines.join("") + sections.join("");
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value);
}

function isTables(value: TomlValue): value is readonly TomlTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}
