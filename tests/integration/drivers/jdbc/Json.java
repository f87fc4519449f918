import java.util.Map;

/** Writes maps, iterables, arrays of objects, numbers, booleans, null and, for anything else, its text as JSON. */
final class Json {
  private final StringBuilder out = new StringBuilder();

  static String of(Object value) {
    Json json = new Json();
    json.write(value);
    return json.out.toString();
  }

  private void write(Object value) {
    if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long) {
      out.append(value);
    } else if (value instanceof Map<?, ?> map) {
      String separator = "{";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.append(separator);
        quote(entry.getKey().toString());
        out.append(": ");
        write(entry.getValue());
        separator = ", ";
      }
      out.append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof Iterable<?> list) {
      out.append('[');
      String separator = "";
      for (Object item : list) {
        out.append(separator);
        write(item);
        separator = ", ";
      }
      out.append(']');
    } else {
      quote(value.toString());
    }
  }

  /** Of a very long text only what tells it from others. */
  private void quote(String text) {
    if (text.length() > 50_000) {
      text = text.length() + " characters from \"" + text.substring(0, 20) + "\", hash " + text.hashCode();
    }
    out.append('"');
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
