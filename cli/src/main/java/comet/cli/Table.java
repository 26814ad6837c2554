package comet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/// Rows of text in columns as wide as needed; numbers to the right.
final class Table {
    private final String[] heads;
    private final List<String[]> rows = new ArrayList<>();

    Table(String... heads) {
        this.heads = heads;
    }

    Table row(Object... cells) {
        String[] row = new String[heads.length];
        for (int i = 0; i < row.length; i++) {
            row[i] = i < cells.length ? String.valueOf(cells[i]) : "";
        }
        rows.add(row);
        return this;
    }

    void print(PrintStream out) {
        int[] widths = new int[heads.length];
        for (int i = 0; i < heads.length; i++) {
            widths[i] = heads[i].length();
            for (String[] row : rows) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        out.println(line(heads, widths, false));
        rows.forEach(row -> out.println(line(row, widths, true)));
    }

    private String line(String[] cells, int[] widths, boolean alignNumbers) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            String pad = " ".repeat(widths[i] - cells[i].length());
            boolean number =
                    alignNumbers && !cells[i].isEmpty() && Character.isDigit(cells[i].charAt(0));
            line.append(number ? pad + cells[i] : cells[i] + pad).append("  ");
        }
        return line.toString().stripTrailing();
    }
}
