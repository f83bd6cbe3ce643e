using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>A client's request: its first line and its headers.</summary>
internal sealed record Ask(string Line, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The n of "Range: bytes=n-"; null without that header.</summary>
    public long? From => Headers.TryGetValue("Range", out var range)
        ? long.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture)
        : null;

    public string? this[string header] => Headers.GetValueOrDefault(header);
}

/// <summary>Writes an answer, complete or not; then the connection ends.</summary>
internal delegate Task Answer(Ask ask, Stream stream, CancellationToken closing);

/// <summary>
/// An HTTP server on bare sockets, so that it can break every rule. The n-th connection gets the n-th answer, and all
/// further connections get the last.
/// </summary>
internal sealed class RawHttpServer : IDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource closing = new();
    private readonly Answer[] answers;
    private int connections;

    public RawHttpServer(params Answer[] answers)
        : this(IPAddress.Loopback, answers)
    {
    }

    public RawHttpServer(IPAddress address, params Answer[] answers)
    {
        this.answers = answers;
        listener = new TcpListener(address, 0);
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>The server's address, without a slash at its end.</summary>
    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>The requests, in order of arrival.</summary>
    public ConcurrentQueue<Ask> Asks { get; } = new();

    public void Dispose()
    {
        closing.Cancel();
        listener.Dispose();
        closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(closing.Token);
                _ = ServeAsync(client, answers[Math.Min(connections++, answers.Length - 1)]);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, Answer answer)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var ask = await ReadAsync(stream);
                Asks.Enqueue(ask);
                await answer(ask, stream, closing.Token);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The client, or the test, is gone.
            }
        }
    }

    private static async Task<Ask> ReadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one);
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2))
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        return new Ask(lines[0], headers);
    }
}
