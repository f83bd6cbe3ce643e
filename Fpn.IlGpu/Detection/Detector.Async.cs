using System.Runtime.CompilerServices;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Detection;

// Detection without a waiting thread. Calls on one device take turns; a caller who waits for its turn costs no thread.
public abstract partial class Detector
{
    /// <summary>Finds the objects in a picture file.</summary>
    /// <param name="path">A JPEG, PNG, BMP or WebP file.</param>
    /// <param name="cancellation">Checked while waiting, and between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="PictureException">The file is missing, or is not a readable picture.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<IReadOnlyList<DetectedObject>> DetectAsync(string path, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        var picture = await Task.Run(() => PictureReader.Read(path), cancellation).ConfigureAwait(false);
        return await DetectAsync(picture, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Finds the objects in an encoded picture that is read from a stream by asynchronous calls only, as a request's body demands.
    /// </summary>
    /// <param name="stream">JPEG, PNG, BMP or WebP data from the current position on; the stream stays open.</param>
    /// <param name="cancellation">Checked while reading and waiting, and between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="PictureException">The stream does not hold a readable picture.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<IReadOnlyList<DetectedObject>> DetectAsync(Stream stream, CancellationToken cancellation = default)
    {
        var picture = await PictureReader.ReadAsync(stream, cancellation: cancellation).ConfigureAwait(false);
        return await DetectAsync(picture, cancellation).ConfigureAwait(false);
    }

    /// <summary>Finds the objects in a picture, which must not change meanwhile.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="cancellation">Checked while waiting, and between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public Task<IReadOnlyList<DetectedObject>> DetectAsync(RgbImage picture, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return InTurnAsync(() => Detect(picture, cancellation), cancellation);
    }

    /// <summary>Finds the objects in a frame, whose pixels must not change meanwhile.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="cancellation">Checked while waiting, and between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="ArgumentException">The frame is <c>default</c>, without pixels.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public Task<IReadOnlyList<DetectedObject>> DetectAsync(PixelFrame frame, CancellationToken cancellation = default)
    {
        Batch.Check(frame, nameof(frame));
        return InTurnAsync(() => Detect(frame, cancellation), cancellation);
    }

    /// <summary>Finds the objects in each picture of a batch; the pictures may differ in size, and must not change meanwhile.</summary>
    /// <param name="pictures">The pictures; the list may be empty.</param>
    /// <param name="cancellation">Checked while waiting, and between two stages of the work.</param>
    /// <returns>The objects of each picture, best first.</returns>
    /// <exception cref="ArgumentException">A picture is null.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public Task<IReadOnlyList<IReadOnlyList<DetectedObject>>> DetectAsync(
        IReadOnlyList<RgbImage> pictures, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        Batch.Check(pictures, nameof(pictures));
        return InTurnAsync(() => Detect(pictures, cancellation), cancellation);
    }

    /// <summary>
    /// Finds the objects in many picture files, and returns them in order. Other threads read pictures ahead, in at most 512 MiB. A file
    /// that can't be used has its error in its result; the others continue.
    /// </summary>
    /// <param name="paths">The files; a list of any length, read as it is needed.</param>
    /// <param name="batch">The number of pictures to detect in at once, from 1.</param>
    /// <param name="ahead">The number of pictures to read ahead, from 0; at least a batch is.</param>
    /// <param name="cancellation">Ends the enumeration.</param>
    /// <exception cref="OperationCanceledException">The enumeration was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The detector or its device was disposed.</exception>
    public IAsyncEnumerable<DetectedPicture> DetectEachAsync(
        IEnumerable<string> paths, int batch = 1, int ahead = 2, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(ahead);
        return Each(cancellation);

        async IAsyncEnumerable<DetectedPicture> Each([EnumeratorCancellation] CancellationToken stop)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(stop);
            using var read = Prefetch.InOrder(paths, Read, Math.Max(ahead, batch), leaving.Token).Chunk(batch).GetEnumerator();
            try
            {
                while (await Task.Run(read.MoveNext, leaving.Token).ConfigureAwait(false))
                {
                    var pictures = read.Current;
                    foreach (var found in await InTurnAsync(() => DetectReadable(pictures, leaving.Token), leaving.Token).ConfigureAwait(false))
                        yield return found;
                }
                leaving.Token.ThrowIfCancellationRequested();
            }
            finally
            {
                // Ends what is read ahead, where the caller left the loop early.
                await leaving.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Finds the objects in pictures that arrive one by one, such as a camera's, and returns them in order.</summary>
    /// <param name="pictures">The pictures. The next one is asked for while the detector works on this one.</param>
    /// <param name="cancellation">Ends the enumeration.</param>
    /// <exception cref="ArgumentException">A picture is null.</exception>
    /// <exception cref="DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The enumeration was cancelled.</exception>
    public IAsyncEnumerable<(RgbImage Picture, IReadOnlyList<DetectedObject> Objects)> DetectEachAsync(
        IAsyncEnumerable<RgbImage> pictures, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        return Each(cancellation);

        async IAsyncEnumerable<(RgbImage Picture, IReadOnlyList<DetectedObject> Objects)> Each([EnumeratorCancellation] CancellationToken stop)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var source = pictures.GetAsyncEnumerator(leaving.Token);
            await using var closing = source.ConfigureAwait(false);
            var next = source.MoveNextAsync().AsTask();
            try
            {
                while (await next.ConfigureAwait(false))
                {
                    var picture = source.Current ?? throw new ArgumentException("A picture of the sequence is null.", nameof(pictures));
                    next = source.MoveNextAsync().AsTask();
                    yield return (picture, await DetectAsync(picture, leaving.Token).ConfigureAwait(false));
                }
            }
            finally
            {
                // The source can't be disposed while it works on the next picture.
                await leaving.CancelAsync().ConfigureAwait(false);
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<T> InTurnAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await Device.Turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(work, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Device.Turns.Release();
        }
    }

    private static DetectedPicture Read(string path, Action<long> allocates)
    {
        try
        {
            return new DetectedPicture(path, PictureReader.Read(path, new PictureLimits().Announcing(allocates)), []);
        }
        catch (PictureException e)
        {
            return new DetectedPicture(path, null, [], e);
        }
    }

    private DetectedPicture[] DetectReadable(DetectedPicture[] batch, CancellationToken cancellation)
    {
        RgbImage[] pictures = [.. batch.Select(item => item.Picture).OfType<RgbImage>()];
        try
        {
            var found = new Queue<IReadOnlyList<DetectedObject>>(Detect(pictures, cancellation));
            return [.. batch.Select(item => item.Picture is null ? item : item with { Objects = found.Dequeue() })];
        }
        catch (DeviceException e) when (batch.Length == 1)
        {
            return [batch[0] with { Error = e }];
        }
        catch (DeviceException)
        {
            // One picture was the problem, or all of them together needed too much memory: each on its own may still succeed.
            return [.. batch.SelectMany(item => DetectReadable([item], cancellation))];
        }
    }
}
