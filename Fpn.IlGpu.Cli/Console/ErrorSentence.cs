using System.Reflection;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Cli;

/// <summary>Turns an exception into a sentence for the user.</summary>
internal static class ErrorSentence
{
    /// <summary>The environment variable that adds the stack trace.</summary>
    public const string TraceVariable = "FPN_TRACE";

    /// <summary>Whether the user asks for stack traces.</summary>
    public static bool IsTraced => Environment.GetEnvironmentVariable(TraceVariable) is not (null or "" or "0");

    public static string Of(Exception exception)
    {
        var sentence = exception switch
        {
            UnauthorizedAccessException or IOException => $"{exception.Message} Check the path and its permissions.",
            OutOfMemoryException => "Out of memory; try a smaller --batch or smaller pictures.",
            _ => $"An unexpected error occurred ({exception.GetType().Name}: {exception.Message.TrimEnd('.')}); "
                + $"set {TraceVariable}=1 to see the stack trace, and please report it.",
        };
        return sentence.ReplaceLineEndings(" ");
    }

    /// <summary>The same for an error in one picture; the sentence names the picture.</summary>
    public static string Of(Exception exception, string path)
    {
        var sentence = Of(exception);
        return exception is PictureException ? sentence : $"'{path}': {sentence}";
    }
}
