using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// JSON Lines: one object per picture. Each line is written in one piece, so that an interrupted run leaves only complete
/// lines.
/// </summary>
internal sealed class JsonLines : IDisposable
{
    /// <summary>The path that means standard output.</summary>
    public const string StandardOutput = "-";

    // Escapes only what JSON requires: file names and labels stay readable in every language.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Stream stream;
    private readonly ArrayBufferWriter<byte> line = new();

    private JsonLines(Stream stream)
    {
        this.stream = stream;
    }

    /// <summary>Opens the file, and creates its folder. The file keeps its content until <see cref="Start"/>.</summary>
    /// <exception cref="CommandException">The file can't be written.</exception>
    public static JsonLines Open(string path)
    {
        if (path == StandardOutput)
            return new JsonLines(Console.OpenStandardOutput());
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".");
            return new JsonLines(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The file '{path}' can't be written ({exception.Message.TrimEnd('.')}); choose another with --json.", exception);
        }
    }

    /// <summary>Empties the file. Called once the model is loaded, so that a failed start keeps the old results.</summary>
    public void Start()
    {
        if (stream.CanSeek)
            stream.SetLength(0);
    }

    /// <summary>Writes the line of one picture; sizes and boxes in px of the picture.</summary>
    public void Write(string image, int width, int height, IReadOnlyList<DetectedObject> objects)
    {
        line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            json.WriteString("image"u8, image);
            json.WriteNumber("width"u8, width);
            json.WriteNumber("height"u8, height);
            json.WriteStartArray("detections"u8);
            foreach (var found in objects)
            {
                json.WriteStartObject();
                json.WriteString("label"u8, found.Label);
                json.WriteNumber("class_id"u8, found.ClassId);
                json.WriteNumber("score"u8, found.Score);
                json.WriteStartArray("box"u8);
                json.WriteNumberValue(found.BoxImagePx.X1);
                json.WriteNumberValue(found.BoxImagePx.Y1);
                json.WriteNumberValue(found.BoxImagePx.X2);
                json.WriteNumberValue(found.BoxImagePx.Y2);
                json.WriteEndArray();
                if (found.Mask is { } mask)
                    WriteSegmentation(json, mask);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        stream.Write(line.WrittenSpan);
        stream.Flush();
    }

    // Compressed run lengths, as in COCO's result files.
    private static void WriteSegmentation(Utf8JsonWriter json, ObjectMask mask)
    {
        json.WriteStartObject("segmentation"u8);
        json.WriteStartArray("size"u8);
        json.WriteNumberValue(mask.Height);
        json.WriteNumberValue(mask.Width);
        json.WriteEndArray();
        json.WriteString("counts"u8, mask.ToCocoString());
        json.WriteEndObject();
    }

    public void Dispose() => stream.Dispose();
}
