using System.Runtime.ExceptionServices;

using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Loads and augments training pictures on its own threads, ahead of the device. The seed alone determines the batches and
/// their order: neither the timing of threads nor the first step changes them. A picture that can't be used is reported once,
/// and another one from the epoch's order takes its place. Loading fails only if no picture can be used.
/// </summary>
internal sealed class SampleLoader : IDisposable
{
    private readonly IPictureSource source;
    private readonly SampleLoaderOptions options;
    private readonly SampleOrder order;
    private readonly Thread[] workers;

    // Guards all fields below, and is pulsed when they change.
    private readonly object gate = new();
    private readonly Dictionary<long, TrainingSample> ready = [];
    private readonly HashSet<int> broken = [];
    private readonly AnnotationProblems problems = new();
    private long nextToMake;
    private long nextToTake;
    private Exception? failure;
    private bool stopped;

    /// <summary>Starts loading.</summary>
    /// <param name="source">The source of the pictures.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public SampleLoader(IPictureSource source, SampleLoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        (this.source, this.options) = (source, options);
        order = new SampleOrder(source, options.BatchSize, options.Seed, options.GroupByShape);
        nextToMake = nextToTake = options.FirstStep * options.BatchSize;
        workers = [.. Enumerable.Range(0, options.Workers).Select(i => new Thread(Work) { IsBackground = true, Name = $"samples {i}" })];
        foreach (var worker in workers)
            worker.Start();
    }

    /// <summary>The number of steps in an epoch.</summary>
    public long StepsPerEpoch => order.StepsPerEpoch;

    /// <summary>A copy of the problems with pictures so far.</summary>
    public AnnotationProblems Problems
    {
        get
        {
            var copy = new AnnotationProblems();
            lock (gate)
                copy.Add(problems);
            return copy;
        }
    }

    /// <summary>Returns the batch of the next step, waiting until it is ready.</summary>
    /// <exception cref="AnnotationException">No picture can be used.</exception>
    public SampleBatch Next()
    {
        var samples = new TrainingSample[options.BatchSize];
        lock (gate)
        {
            var step = nextToTake / options.BatchSize;
            for (var i = 0; i < samples.Length; i++)
            {
                TrainingSample? sample;
                while (!ready.Remove(nextToTake, out sample))
                {
                    ObjectDisposedException.ThrowIf(stopped, this);
                    if (failure is not null)
                        ExceptionDispatchInfo.Throw(failure);
                    Monitor.Wait(gate);
                }
                samples[i] = sample;
                nextToTake++;
                Monitor.PulseAll(gate);
            }
            return new SampleBatch(step, step / StepsPerEpoch, samples);
        }
    }

    /// <summary>Stops the threads and waits for them.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.PulseAll(gate);
        }
        foreach (var worker in workers)
            worker.Join();
    }

    private void Work()
    {
        while (Claim() is { } number)
        {
            try
            {
                var sample = Make(number);
                lock (gate)
                {
                    ready.Add(number, sample);
                    Monitor.PulseAll(gate);
                }
            }
            catch (Exception e)
            {
                // Every exception is passed on to the caller that waits for the sample.
                lock (gate)
                {
                    failure ??= e;
                    Monitor.PulseAll(gate);
                }
                return;
            }
        }
    }

    // Waits for room, and returns the number of the next sample that no thread has claimed; null when it is time to stop.
    private long? Claim()
    {
        lock (gate)
        {
            while (!stopped && failure is null && nextToMake >= nextToTake + options.BatchSize + options.Ahead)
                Monitor.Wait(gate);
            return stopped || failure is not null ? null : nextToMake++;
        }
    }

    private TrainingSample Make(long number)
    {
        var (step, place) = (number / options.BatchSize, (int)(number % options.BatchSize));
        for (var replacement = 0; replacement <= source.Count; replacement++)
        {
            // Whether a picture can be used does not depend on timing, so neither does its replacement.
            var (epoch, index) = order.At(step, place, replacement);
            lock (gate)
            {
                if (broken.Contains(index))
                    continue;
            }
            try
            {
                return options.Augmentation.Apply(source.Read(index, epoch), options.Seed, epoch, index, options.WithMasks);
            }
            catch (PictureException e)
            {
                lock (gate)
                {
                    if (broken.Add(index))
                        problems.Add(AnnotationProblem.PictureBroken, e.Message.TrimEnd('.'), AnnotationPart.Pictures);
                }
            }
        }
        throw new AnnotationException(
            $"None of the {source.Count} pictures can be used. {string.Join(" ", Problems.Sentences())}");
    }
}
