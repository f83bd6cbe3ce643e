using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Brings published models into a <see cref="ModelCache"/>. A download that broke off goes on where it stopped, in
/// another process too; what came is checked against the publisher's digest; and processes that want the same model
/// wait for each other. The system's proxy variables (<c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>) count.
/// </summary>
public sealed class ModelDownload
{
    private readonly ModelCache cache;
    private readonly DownloadPatience patience;
    private readonly Action<ZooModel, string, string> convert;

    /// <summary>Downloads into a cache.</summary>
    public ModelDownload(ModelCache cache)
        : this(cache, new DownloadPatience(), ToSafetensors)
    {
    }

    /// <param name="cache">Where to.</param>
    /// <param name="patience">How long it waits for what.</param>
    /// <param name="convert">Reads the publisher's file, the first path, and writes the second, whole or not at all.</param>
    internal ModelDownload(ModelCache cache, DownloadPatience patience, Action<ZooModel, string, string> convert)
    {
        ArgumentNullException.ThrowIfNull(cache);
        this.cache = cache;
        this.patience = patience;
        this.convert = convert;
    }

    /// <summary>Returns the path of a model's file in the cache, after downloading it where it isn't there.</summary>
    /// <param name="model">Which model.</param>
    /// <param name="again">Download it even if it is there.</param>
    /// <param name="progress">Told how far it is, from any thread.</param>
    /// <param name="cancellation">Stops it; what has come stays for the next time.</param>
    /// <exception cref="WeightsException">The server can't be reached, has no such file, or breaks off again and
    /// again; the file is not the published one, or can't be converted, and then stays for the next time; or the folder
    /// can't be written or is full.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
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
                return path; // The other process has done it all.

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
                $"The folder '{cache.Folder}' for models can't be used ({e.Message.TrimEnd('.')}); {Elsewhere}.", e);
        }
    }

    private static string Elsewhere => $"{ModelCache.FolderVariable} can name another folder";

    // A file that is here already was left by a conversion that failed.
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
        await new FileDownload(url, part, patience, progress).RunAsync(cancellation).ConfigureAwait(false);

        var actual = await HashAsync(model, part.Path, progress, cancellation).ConfigureAwait(false);
        if (!model.Digest.Fits(actual))
        {
            part.Delete();
            throw new WeightsException(
                $"The file from {url} is not the published one and was deleted: its {ModelDigest.NameOf(model.Digest.Algorithm)} "
                + $"is {actual}, where one is expected that begins with {model.Digest.LeadingDigits}.");
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
        => ModelConverter.Convert(published, path, overrides: model.Configuration.ToJson());
}
