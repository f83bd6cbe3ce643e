using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Cli;

/// <summary>Says an exception in words for the person at the terminal, who never sees a stack trace unasked.</summary>
internal static class ErrorSentence
{
    /// <summary>The environment variable that asks for the stack trace as well.</summary>
    public const string TraceVariable = "FPN_TRACE";

    public static string Of(Exception exception)
    {
        var sentence = exception switch
        {
            CommandException or PictureException or AnnotationException or TrainingException or WeightsException or DeviceException
                => exception.Message,
            UnauthorizedAccessException or IOException => $"{exception.Message} Check the path and its permissions.",
            OutOfMemoryException => "There is not enough memory; a smaller --batch or smaller pictures would help.",
            _ => $"Something unexpected went wrong ({exception.GetType().Name}: {exception.Message.TrimEnd('.')}); "
                + $"set {TraceVariable}=1 to see where, and please report it.",
        };
        var oneLine = sentence.ReplaceLineEndings(" ");
        return Environment.GetEnvironmentVariable(TraceVariable) is null or "" or "0"
            ? oneLine
            : $"{oneLine}{Environment.NewLine}{exception}";
    }

    /// <summary>The same, for what happened to one picture, which the sentence names.</summary>
    public static string Of(Exception exception, string path)
    {
        var sentence = Of(exception);
        return exception is PictureException ? sentence : $"'{path}': {sentence}";
    }
}
