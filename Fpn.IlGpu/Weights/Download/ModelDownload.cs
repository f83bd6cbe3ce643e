using Fpn.IlGpu.Files;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Downloads published models into a <see cref="ModelCache"/>. An interrupted download resumes where it stopped, also in
/// another process. The file is checked against the publisher's digest. Processes that want the same model wait for each other.
/// The system's proxy variables (<c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>) are honoured.
/// </summary>
public sealed class ModelDownload
{
    private readonly ModelCache cache;
    private readonly DownloadPatience patience;
    private readonly Action<ZooModel, string, string> convert;

    /// <summary>Creates a downloader into a cache.</summary>
    public ModelDownload(ModelCache cache)
        : this(cache, new DownloadPatience(), ToSafetensors)
    {
    }

    /// <param name="cache">The cache to download into.</param>
    /// <param name="patience">The timeouts and retries.</param>
    /// <param name="convert">Converts the publisher's file, the first path, to the second path, completely or not at all.</param>
    internal ModelDownload(ModelCache cache, DownloadPatience patience, Action<ZooModel, string, string> convert)
    {
        ArgumentNullException.ThrowIfNull(cache);
        this.cache = cache;
        this.patience = patience;
        this.convert = convert;
    }

    /// <summary>Returns the path of a model's file in the cache, after downloading the file if it isn't there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="again">Whether to download the file even if it is there.</param>
    /// <param name="progress">Receives the progress, on any thread.</param>
    /// <param name="cancellation">Cancels the download; the bytes that have arrived are kept for the next time.</param>
    /// <exception cref="WeightsException">
    /// The server can't be reached, has no such file, or repeatedly drops the connection; the file is not the published one; it
    /// can't be converted, and is kept for the next time; or the folder can't be written or is full.
    /// </exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    public async Task<string> GetAsync(
        ZooModel model,
        bool again = false,
        IProgress<ModelDownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var path = cache.PathOf(model);
        if (!again && File.Exists(path))
            return path;
        try
        {
            Directory.CreateDirectory(cache.Folder);
            using var held = await FileLock.TakeAsync(
                Path.Join(cache.Folder, $"{model.Name}.lock"),
                () => progress?.Report(new ModelDownloadProgress(ModelDownloadStage.WaitingForOther, 0, null)),
                cancellation).ConfigureAwait(false);
            if (!again && File.Exists(path))
                return path; // Another process has just finished it.

            var published = cache.DownloadPathOf(model);
            var bytes = await FetchAsync(model, published, again, progress, cancellation).ConfigureAwait(false);
            progress?.Report(new ModelDownloadProgress(ModelDownloadStage.Converting, bytes, bytes));
            convert(model, published, path);
            File.Delete(published);
            return path;
        }
        catch (Exception e) when (DiskSpace.IsFull(e))
        {
            throw new WeightsException($"The disk with the folder '{cache.Folder}' became full; {Elsewhere}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException(
                $"The model folder '{cache.Folder}' can't be used ({e.Message.TrimEnd('.')}); {Elsewhere}.", e);
        }
    }

    /// <summary>
    /// Returns the path of a file, or of a published model in the user's cache, after downloading it if it isn't there.
    /// </summary>
    /// <param name="model">A file, or the name of a published model; a path that exists comes first.</param>
    /// <param name="cache">The folder of downloaded models; null for the user's.</param>
    /// <param name="progress">Receives the progress, on any thread; null for nobody.</param>
    /// <param name="cancellation">Cancels the download.</param>
    /// <exception cref="WeightsException">There is neither such a file nor such a model, or the download fails.</exception>
    internal static async Task<string> FileOfAsync(
        string model, ModelCache? cache, IProgress<ModelDownloadProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Path.Exists(model)
            ? model
            : await new ModelDownload(cache ?? ModelCache.OfUser())
                .GetAsync(ModelZoo.Named(model), progress: progress, cancellation: cancellation).ConfigureAwait(false);
    }

    private static string Elsewhere => $"{ModelCache.FolderVariable} can name another folder";

    // A published file that is already here was left by a failed conversion.
    private async Task<long> FetchAsync(
        ZooModel model, string published, bool again, IProgress<ModelDownloadProgress>? progress, CancellationToken cancellation)
    {
        if (!again && File.Exists(published))
        {
            var hash = await HashAsync(model, published, progress, cancellation).ConfigureAwait(false);
            if (model.Digest.Fits(hash))
                return new FileInfo(published).Length;
        }
        var url = model.DownloadUrl();
        var part = new PartFile(published);
        await new FileDownload(url, model.MostBytes, part, patience, progress).RunAsync(cancellation).ConfigureAwait(false);

        var actual = await HashAsync(model, part.Path, progress, cancellation).ConfigureAwait(false);
        if (!model.Digest.Fits(actual))
        {
            part.Delete();
            throw new WeightsException(
                $"The file from {url} is not the published one and was deleted: its {ModelDigest.NameOf(model.Digest.Algorithm)} "
                + $"is {actual}, but should begin with {model.Digest.LeadingDigits}.");
        }
        part.Complete();
        return new FileInfo(published).Length;
    }

    private static async Task<string> HashAsync(
        ZooModel model, string path, IProgress<ModelDownloadProgress>? progress, CancellationToken cancellation)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
        await using (file.ConfigureAwait(false))
        {
            progress?.Report(new ModelDownloadProgress(ModelDownloadStage.Checking, file.Length, file.Length));
            return await model.Digest.HashAsync(file, cancellation).ConfigureAwait(false);
        }
    }

    private static void ToSafetensors(ZooModel model, string published, string path)
        => ModelConverter.Convert(published, path, DataType.F32, model.Configuration.ToJson());
}
