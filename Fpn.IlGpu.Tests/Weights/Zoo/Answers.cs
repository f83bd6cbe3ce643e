using System.Text;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>Answers of a <see cref="RawHttpServer"/>, from correct to hostile.</summary>
internal static class Answers
{
    public const string Tag = "ETag: \"one\"";

    /// <summary>The whole file, or the requested range if the file is still the same (RFC 9110, 13.1.5).</summary>
    public static Answer File(byte[] content, string validator = Tag) => (ask, stream, _) =>
        ask.From is { } from && validator.EndsWith(ask["If-Range"] ?? "", StringComparison.Ordinal)
            ? SendAsync(stream, Partial(content, from, validator), content.AsMemory((int)from..))
            : SendAsync(stream, Ok(content, validator), content);

    /// <summary>The whole file, whatever was requested.</summary>
    public static Answer WholeFile(byte[] content, string validator = Tag) => (_, stream, _) =>
        SendAsync(stream, Ok(content, validator), content);

    /// <summary>The first bytes of the file or of the requested range; then the connection ends.</summary>
    public static Answer CutAfter(int bytes, byte[] content, string validator = Tag) => (ask, stream, _)
    =>
    {
        var from = (int)(ask.From ?? 0);
        var count = Math.Min(bytes, content.Length - from);
        return SendAsync(stream, from == 0 ? Ok(content, validator) : Partial(content, from, validator), content.AsMemory(from, count));
    };

    /// <summary>The file's first bytes, then nothing more for as long as the test runs.</summary>
    public static Answer StallAfter(int bytes, byte[] content) => async (_, stream, closing)
    =>
    {
        await SendAsync(stream, Ok(content, Tag), content.AsMemory(0, bytes));
        await Task.Delay(Timeout.Infinite, closing);
    };

    /// <summary>Not even a first line.</summary>
    public static Answer Silence => (_, _, closing) => Task.Delay(Timeout.Infinite, closing);

    /// <summary>The connection ends immediately.</summary>
    public static Answer HangUp => (_, _, _) => Task.CompletedTask;

    /// <summary>The given status and headers, without a body.</summary>
    public static Answer Status(int status, params string[] headers) => (_, stream, _) =>
        SendAsync(stream, [$"HTTP/1.1 {status} Said", "Content-Length: 0", .. headers], default);

    /// <summary>The given headers and body.</summary>
    public static Answer Custom(string[] head, byte[] body) => (_, stream, _) => SendAsync(stream, head, body);

    private static string[] Ok(byte[] content, string validator)
        => ["HTTP/1.1 200 OK", $"Content-Length: {content.Length}", validator];

    private static string[] Partial(byte[] content, long from, string validator) => [
        "HTTP/1.1 206 Partial Content", $"Content-Length: {content.Length - from}",
        $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}", validator,
    ];

    private static async Task SendAsync(Stream stream, IEnumerable<string> head, ReadOnlyMemory<byte> body)
    {
        var lines = string.Concat(head.Where(line => line.Length > 0).Append("Connection: close").Select(line => line + "\r\n"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes(lines + "\r\n"));
        await stream.WriteAsync(body);
        await stream.FlushAsync();
    }
}
