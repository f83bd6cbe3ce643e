using System.Reflection;

using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Turns an exception into a sentence for the user.</summary>
internal static class ErrorSentence
{
    /// <summary>Whether the command line has <c>--verbose</c>, which asks for stack traces.</summary>
    public static bool IsVerbose { get; set; }

    public static string Of(Exception exception)
    {
        var sentence = exception switch
        {
            _ when HasTooFewFiles(exception) => "The process may not open enough files; raise its limit, such as with 'ulimit -n 1024'.",
            _ when MissingPart(exception) is { } part => $"A part of the program can't be loaded ({part}); install it again, or, if the "
                + "process may open few files, raise that limit, such as with 'ulimit -n 1024'.",
            CommandException or FpnException => exception.Message,
            UnauthorizedAccessException or IOException => $"{exception.Message} Check the path and its permissions.",
            OutOfMemoryException => "Out of memory; try a smaller --batch or smaller pictures.",
            _ => $"An unexpected error occurred ({exception.GetType().Name}: {exception.Message.TrimEnd('.')}); "
                + "run it with --verbose to see the stack trace, and please report it.",
        };
        return sentence.ReplaceLineEndings(" ");
    }

    // The runtime itself opens files, for assemblies and threads, so the error comes in many guises.
    private static bool HasTooFewFiles(Exception exception)
    {
        const int processLimit = 24, systemLimit = 23;
        return !OperatingSystem.IsWindows()
            && (exception.HResult is processLimit or systemLimit || exception.InnerException is { } inner && HasTooFewFiles(inner));
    }

    // An assembly's name, unlike that of a file, has a version.
    private static string? MissingPart(Exception exception)
    {
        var name = (exception as FileNotFoundException)?.FileName ?? (exception as FileLoadException)?.FileName;
        return name is not null && name.Contains(", Version=", StringComparison.Ordinal) ? name.Split(',')[0]
            : exception is ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } ? MissingPart(first)
            : exception.InnerException is { } inner ? MissingPart(inner)
            : null;
    }

    /// <summary>The same for an error in one picture; the sentence names the picture.</summary>
    public static string Of(Exception exception, string path)
    {
        var sentence = Of(exception);
        return exception is PictureException ? sentence : $"'{path}': {sentence}";
    }
}
