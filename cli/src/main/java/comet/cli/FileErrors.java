package comet.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// Why a file could not be used, in the words of the system: the JDK's exceptions often say nothing
/// but the path.
public final class FileErrors {
    private FileErrors() {}

    public static String words(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such file or directory";
            case AccessDeniedException _ -> "permission denied";
            case FileAlreadyExistsException _ -> "it exists already";
            case NotDirectoryException _ -> "not a directory";
            case FileSystemException file when file.getReason() != null ->
                    withoutPath(file, file.getReason());
            default -> String.valueOf(e.getMessage());
        };
    }

    private static String withoutPath(FileSystemException file, String reason) {
        String path = file.getFile() + ": ";
        String words = reason.startsWith(path) ? reason.substring(path.length()) : reason;
        return words.isEmpty()
                ? reason
                : Character.toLowerCase(words.charAt(0)) + words.substring(1);
    }
}
