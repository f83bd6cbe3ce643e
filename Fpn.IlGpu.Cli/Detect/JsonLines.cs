using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// JSON Lines: one object per picture. Each line is written in one piece, so that an interrupted run leaves only complete
/// lines.
/// </summary>
internal sealed class JsonLines : IDisposable
{
    // Escapes only what JSON requires: file names and labels stay readable in every language.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly OutputFile file;
    private readonly ArrayBufferWriter<byte> line = new();

    private JsonLines(OutputFile file)
    {
        this.file = file;
    }

    /// <summary>Opens the file, and creates its folder. The file keeps its content until <see cref="Start"/>.</summary>
    /// <param name="path">The file, "-" for standard output, or null for none.</param>
    /// <param name="inUse">The command's inputs and other outputs.</param>
    /// <exception cref="CommandException">The file can't be written.</exception>
    public static JsonLines? Open(string? path, FilesInUse inUse)
        => OutputFile.Open(path, "--json", inUse) is { } file ? new JsonLines(file) : null;

    /// <summary>Empties the file. Called once the model is loaded, so that a failed start keeps the old results.</summary>
    public void Start() => file.Empty();

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
        try
        {
            file.Stream.Write(Harmless(line.WrittenSpan));
            file.Stream.Flush();
        }
        catch (IOException exception)
        {
            throw new CommandException(
                $"The JSON can't be written any more ({exception.Message.TrimEnd('.')}); '{image}' and all pictures after it are missing.",
                exception);
        }
    }

    // The encoder lets the characters through that turn the direction of writing, and the line may go to a terminal. They can only be
    // within strings, where an escape means the same.
    private static ReadOnlySpan<byte> Harmless(ReadOnlySpan<byte> json)
    {
        if (Ascii.IsValid(json))
            return json;
        var text = new StringBuilder();
        foreach (var rune in Encoding.UTF8.GetString(json).EnumerateRunes())
        {
            if (rune.Value == '\n' || Screen.IsPrintable(rune))
                text.Append(rune);
            else
                text.AppendJoin("", rune.ToString().Select(unit => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}")));
        }
        return Encoding.UTF8.GetBytes(text.ToString());
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

    public void Dispose() => file.Dispose();
}
