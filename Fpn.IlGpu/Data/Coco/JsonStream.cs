using System.Globalization;
using System.Text.Json;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads the arrays of a large JSON file one element at a time, so that no more than the longest element (and a buffer) is in
/// memory. Broken JSON throws an <see cref="AnnotationException"/> that names the line and the column.
/// </summary>
internal sealed class JsonStream : IDisposable
{
    private const int FirstBuffer = 1 << 16;

    private readonly string path;
    private readonly Stream stream;
    private byte[] buffer = new byte[FirstBuffer];
    private int start;
    private int end;
    private bool final;
    private JsonReaderState state;

    // The position after the consumed bytes: the number of lines, and of bytes in the last one; and the offset from there to
    // the element that is being read.
    private long lines;
    private long column;
    private int elementStart;

    private JsonStream(string path, Stream stream)
    {
        this.path = path;
        this.stream = stream;
    }

    /// <summary>Handles one element. The reader is on its first token, and the whole element is in the buffer.</summary>
    public delegate void Element(ref Utf8JsonReader reader);

    /// <summary>Opens a file.</summary>
    /// <exception cref="AnnotationException">The file can't be opened.</exception>
    public static JsonStream Open(string path)
    {
        try
        {
            var json = new JsonStream(path, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0));
            json.Fill();
            ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
            json.start = json.buffer.AsSpan(0, json.end).StartsWith(byteOrderMark) ? byteOrderMark.Length : 0;
            return json;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }

    /// <summary>Reads a file that is one array.</summary>
    /// <param name="element">Handles each element.</param>
    /// <exception cref="AnnotationException">The file is broken JSON, or not an array.</exception>
    public void ReadArray(Element element) => Guard(()
    =>
    {
        if (Next(out _) != JsonTokenType.StartArray)
            throw new AnnotationException($"'{path}' is not a JSON array.");
        ReadElements(element);
        ReadEnd();
    });

    /// <summary>Reads a file that is one object, and the requested arrays in it.</summary>
    /// <param name="elementOf">Returns the handler of an array's elements by the array's name; null to skip the value.</param>
    /// <exception cref="AnnotationException">
    /// The file is broken JSON or not an object, or a requested value is not an array.
    /// </exception>
    public void ReadObject(Func<string, Element?> elementOf) => Guard(()
    =>
    {
        if (Next(out _) != JsonTokenType.StartObject)
            throw new AnnotationException($"'{path}' is not a JSON object.");
        while (Next(out var name) == JsonTokenType.PropertyName)
        {
            if (elementOf(name) is not { } element)
                Skip();
            else if (Next(out _) == JsonTokenType.StartArray)
                ReadElements(element);
            else
                throw new AnnotationException($"'{path}' has a value for '{name}' that is not an array.");
        }
        ReadEnd();
    });

    public void Dispose() => stream.Dispose();

    private void ReadElements(Element element)
    {
        while (true)
        {
            var reader = new Utf8JsonReader(buffer.AsSpan(start, end - start), final, state);
            if (!reader.Read())
            {
                Fill();
            }
            else if (reader.TokenType == JsonTokenType.EndArray)
            {
                Consume(in reader);
                return;
            }
            else if (reader.TrySkip())
            {
                // Only the byte after a number shows where the number ends.
                var length = Math.Min((int)reader.BytesConsumed + 1, end - start);
                var whole = new Utf8JsonReader(buffer.AsSpan(start, length), isFinalBlock: true, state);
                whole.Read();
                elementStart = (int)whole.TokenStartIndex;
                element(ref whole);
                elementStart = 0;
                Consume(in reader);
            }
            else
            {
                Fill();
            }
        }
    }

    private JsonTokenType Next(out string text)
    {
        while (true)
        {
            var reader = new Utf8JsonReader(buffer.AsSpan(start, end - start), final, state);
            if (reader.Read())
            {
                text = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : "";
                Consume(in reader);
                return reader.TokenType;
            }
            Fill();
        }
    }

    // Skips a value token by token: it may be too large to hold in memory.
    private void Skip()
    {
        var depth = 0;
        do
        {
            depth += Next(out _) switch
            {
                JsonTokenType.StartArray or JsonTokenType.StartObject => 1,
                JsonTokenType.EndArray or JsonTokenType.EndObject => -1,
                _ => 0,
            };
        }
        while (depth > 0);
    }

    // The reader itself throws if anything but white space follows the value.
    private void ReadEnd()
    {
        while (true)
        {
            var reader = new Utf8JsonReader(buffer.AsSpan(start, end - start), final, state);
            reader.Read();
            Consume(in reader);
            if (final)
                return;
            Fill();
        }
    }

    private void Consume(in Utf8JsonReader reader)
    {
        Consume((int)reader.BytesConsumed);
        state = reader.CurrentState;
    }

    private void Consume(int bytes)
    {
        ReadOnlySpan<byte> consumed = buffer.AsSpan(start, bytes);
        lines += consumed.Count((byte)'\n');
        var newLine = consumed.LastIndexOf((byte)'\n');
        column = newLine < 0 ? column + bytes : bytes - newLine - 1;
        start += bytes;
    }

    private void Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= start;
        start = 0;
        if (end > buffer.Length / 2)
            Array.Resize(ref buffer, checked(buffer.Length * 2));
        var read = stream.Read(buffer, end, buffer.Length - end);
        end += read;
        final = read == 0;
    }

    private void Guard(Action read)
    {
        try
        {
            read();
        }
        catch (InvalidOperationException exception)
        {
            // Thrown by the reader for text that is not UTF-8. It gives no position, but the element's beginning is near.
            Consume(elementStart);
            throw Broken(lines, column, exception);
        }
        catch (JsonException exception)
        {
            throw Broken(exception.LineNumber ?? 0, exception.BytePositionInLine ?? 0, exception);
        }
        catch (Exception exception) when (exception is IOException or OverflowException)
        {
            throw new AnnotationException($"'{path}' can't be read ({exception.Message.TrimEnd('.')}).", exception);
        }
    }

    // Python writes these, and a model that diverged has them.
    private string? NoNumberAt(long line, long bytesInLine)
    {
        var rest = buffer.AsSpan(start, end - start);
        for (var l = lines; l < line; l++)
            rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
        var skipped = line == lines ? bytesInLine - column : bytesInLine;
        if (skipped < 0 || skipped > rest.Length)
            return null;
        rest = rest[(int)skipped..];
        return rest.StartsWith("NaN"u8) ? "NaN" : rest.StartsWith("Infinity"u8) || rest.StartsWith("-Infinity"u8) ? "Infinity" : null;
    }

    private AnnotationException Broken(long line, long bytesInLine, Exception exception)
    {
        // The reader counts both from 0, and repeats them in its message.
        var what = NoNumberAt(line, bytesInLine) is { } number
            ? $"{number} is no number in JSON; remove the entry, or correct what wrote it"
            : exception.Message.Split(" LineNumber:")[0].TrimEnd('.');
        return new AnnotationException(
            string.Create(
                CultureInfo.InvariantCulture, $"'{path}' is broken JSON at line {line + 1}, column {bytesInLine + 1}: {what}."),
            exception);
    }
}
