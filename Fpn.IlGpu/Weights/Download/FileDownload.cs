using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Downloads a file over HTTPS into a <see cref="PartFile"/>, and retries when the connection fails. It resumes with Range and
/// If-Range (RFC 9110), so that a file that has changed on the server is downloaded from the start.
/// </summary>
internal sealed class FileDownload(
    Uri url, long mostBytes, PartFile part, DownloadPatience patience, IProgress<ModelDownloadProgress>? progress)
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromMilliseconds(100);

    /// <summary>Downloads until the part is the whole file.</summary>
    /// <exception cref="WeightsException">The file can't be downloaded.</exception>
    /// <exception cref="IOException">The part can't be written; the disk may be full.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (!ZooModel.IsSafe(url))
            throw new WeightsException($"{url} is not an https address; nothing is downloaded from it.");
        using var handler = new SocketsHttpHandler
        {
            ConnectTimeout = patience.Connect,
            MaxAutomaticRedirections = 10,
            UseProxy = !IsEverythingWithoutProxy,
        };
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Fpn.IlGpu", Version));

        for (var failures = 0; ;)
        {
            var before = part.Length;
            try
            {
                await TryAsync(client, cancellation).ConfigureAwait(false);
                return;
            }
            catch (BrokenOffException e)
            {
                if (part.Length - before >= DownloadPatience.WorthATry)
                    failures = 0;
                if (failures == patience.Waits.Count)
                    throw GivenUp(failures + 1, e);
                Report(ModelDownloadStage.Retrying, part.Length, null);
                await Task.Delay(patience.Waits[failures++], cancellation).ConfigureAwait(false);
            }
        }
    }

    // .NET takes the star for the beginning of a host's name.
    private static bool IsEverythingWithoutProxy
        => (Environment.GetEnvironmentVariable("no_proxy") ?? Environment.GetEnvironmentVariable("NO_PROXY"))?
            .Split(',', StringSplitOptions.TrimEntries).Contains("*") ?? false;

    private static string Version => typeof(FileDownload).Assembly.GetName().Version?.ToString(3) ?? "0";

    // Makes one attempt. Each wait is limited to the time that patience allows.
    private async Task TryAsync(HttpClient client, CancellationToken cancellation)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        stalled.CancelAfter(patience.Stall);
        try
        {
            var known = part.ReadSource() is { } source && source.Url == url.AbsoluteUri ? source : null;
            var have = known is null ? 0 : part.Length;
            if (have > 0 && have == known!.Bytes)
                return; // Everything has arrived already; only the last step was missing.
            using var response = await RequestAsync(client, known, have, stalled.Token).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.RequestedRangeNotSatisfiable or HttpStatusCode.PartialContent
                && !GoesOn(response, known, have))
            {
                if (have == 0)
                    throw DownloadErrors.Refused(url, response);
                part.Delete();
                using var whole = await RequestAsync(client, null, 0, stalled.Token).ConfigureAwait(false);
                if (whole.StatusCode != HttpStatusCode.OK)
                    throw DownloadErrors.Refused(url, whole);
                await CopyAsync(whole, 0, stalled).ConfigureAwait(false);
                return;
            }
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
                throw DownloadErrors.Refused(url, response);
            await CopyAsync(response, response.StatusCode == HttpStatusCode.OK ? 0 : have, stalled).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            var seconds = (stalled.IsCancellationRequested ? patience.Stall : patience.Connect).TotalSeconds;
            throw new BrokenOffException(
                string.Create(CultureInfo.InvariantCulture, $"nothing, or next to nothing, arrived for {seconds:0.#} s"), e);
        }
        catch (HttpRequestException e)
        {
            throw DownloadErrors.Unreachable(url, e, atFirst: part.Length == 0);
        }
        catch (Exception e) when (e is NotSupportedException or UriFormatException)
        {
            throw new WeightsException($"The server redirects {url} to an address that is not https; nothing is downloaded from there.", e);
        }
    }

    private async Task<HttpResponseMessage> RequestAsync(
        HttpClient client, PartFile.Source? known, long have, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (known is not null && RangeConditionHeaderValue.TryParse(known.Validator, out var unchanged))
        {
            request.Headers.Range = new RangeHeaderValue(have, null);
            request.Headers.IfRange = unchanged;
        }
        var response =
            await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.RequestMessage?.RequestUri is { } last && ZooModel.IsSafe(last))
            return response;
        response.Dispose();
        throw new WeightsException($"{url} redirects to an address that is not https; nothing is downloaded from there.");
    }

    // A range is usable only if it begins where our part ends and belongs to a file of the same size.
    private static bool GoesOn(HttpResponseMessage response, PartFile.Source? known, long have)
        => response.StatusCode == HttpStatusCode.PartialContent && known is not null
        && response.Content.Headers.ContentRange is { } range && range.From == have
        && (known.Bytes is null || range.Length == known.Bytes);

    // from: the offset in the file at which the response begins, in bytes.
    private async Task CopyAsync(HttpResponseMessage response, long from, CancellationTokenSource stalled)
    {
        var headers = response.Content.Headers;
        var total = from > 0 ? headers.ContentRange!.Length : headers.ContentLength;
        if (total > mostBytes)
            throw TooLarge(total.Value);
        CheckSpace(total - from);
        using var body = await response.Content.ReadAsStreamAsync(stalled.Token).ConfigureAwait(false);
        var done = from;
        var file = from > 0 ? part.Append() : part.Create(SourceOf(response, total));
        await using (file.ConfigureAwait(false))
        {
            var buffer = new byte[1 << 17];
            var sinceReport = Stopwatch.StartNew();
            var sinceTimer = 0;
            stalled.CancelAfter(patience.Stall);
            Report(ModelDownloadStage.Downloading, done, total);
            while (await ReadAsync(body, buffer, stalled.Token).ConfigureAwait(false) is var count and > 0)
            {
                sinceTimer += count;
                if (sinceTimer >= patience.LeastBytes)
                {
                    stalled.CancelAfter(patience.Stall);
                    sinceTimer = 0;
                }
                await WriteAsync(file, buffer.AsMemory(0, count), total - done, stalled.Token).ConfigureAwait(false);
                done += count;
                if (done > (total ?? mostBytes))
                    break;
                if (sinceReport.Elapsed < BetweenReports)
                    continue;
                Report(ModelDownloadStage.Downloading, done, total);
                sinceReport.Restart();
            }
            Report(ModelDownloadStage.Downloading, done, total);
            if (done < total)
                throw new BrokenOffException($"the connection ended after {done} of {total} bytes");
            file.Flush(flushToDisk: true);
        }
        if (done > (total ?? mostBytes))
            throw TooLarge(done);
    }

    private WeightsException TooLarge(long bytes)
    {
        part.Delete();
        return new WeightsException(
            $"{url} sends {DiskSpace.Megabytes(bytes)} or more, but the model has at most {DiskSpace.Megabytes(mostBytes)}; "
            + "it is not the published file, and what had arrived was deleted.");
    }

    private static async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken stalled)
    {
        try
        {
            return await body.ReadAsync(buffer, stalled).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new BrokenOffException("the connection was lost", e);
        }
    }

    /// <summary>Writes bytes.</summary>
    /// <exception cref="WeightsException">The disk is full; the message says how many bytes are left to write.</exception>
    internal static async Task WriteAsync(FileStream file, ReadOnlyMemory<byte> bytes, long? left, CancellationToken cancellation)
    {
        try
        {
            await file.WriteAsync(bytes, cancellation).ConfigureAwait(false);
        }
        catch (IOException e) when (DiskSpace.IsFull(e) && left is not null)
        {
            throw new WeightsException(
                $"The disk with '{file.Name}' is full, but the download needs {DiskSpace.Megabytes(left.Value)} more; "
                + $"{ModelCache.FolderVariable} can name another folder.", e);
        }
    }

    private PartFile.Source? SourceOf(HttpResponseMessage response, long? total)
    {
        // Only a strong ETag guarantees that two files are identical byte for byte.
        var validator = response.Headers.ETag is { IsWeak: false } tag
            ? tag.Tag
            : response.Content.Headers.LastModified?.ToString("R", CultureInfo.InvariantCulture);
        return validator is null ? null : new PartFile.Source(url.AbsoluteUri, validator, total);
    }

    private void CheckSpace(long? needed)
    {
        var folder = Path.GetDirectoryName(part.Path)!;
        if (needed is { } bytes && DiskSpace.FreeBytes(folder) is { } free && free < bytes)
        {
            throw new WeightsException(
                $"The disk with the folder '{folder}' has {DiskSpace.Megabytes(free)} free, but the download needs "
                + $"{DiskSpace.Megabytes(bytes)}; {ModelCache.FolderVariable} can name another folder.");
        }
    }

    private void Report(ModelDownloadStage stage, long done, long? total)
        => progress?.Report(new ModelDownloadProgress(stage, done, total));

    private WeightsException GivenUp(int tries, BrokenOffException last)
    {
        var kept = part.Length > 0 ? $" {DiskSpace.Megabytes(part.Length)} have arrived; the next try resumes from there." : "";
        return new WeightsException(
            $"The download of {url} failed {tries} times in a row, the last time because {last.Message}.{kept}", last);
    }
}
