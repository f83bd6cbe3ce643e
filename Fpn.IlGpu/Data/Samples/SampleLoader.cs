using System.Runtime.ExceptionServices;

using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// Reads, or makes, and varies training pictures on threads of its own, ahead of the device. Batches come in the order that
/// the seed decides, however threads are timed, and the same ones from any first step on. A picture that can't be used is
/// named and counted once, and the next of the epoch's order takes its place; only if none can be used, loading fails.
/// </summary>
public sealed class SampleLoader : IDisposable
{
    private readonly IPictureSource source;
    private readonly SampleLoaderOptions options;
    private readonly SampleOrder order;
    private readonly Thread[] workers;

    // All below is guarded by this, which also wakes those who wait for a change of it.
    private readonly object gate = new();
    private readonly Dictionary<long, TrainingSample> ready = [];
    private readonly HashSet<int> broken = [];
    private readonly AnnotationProblems problems = new();
    private long nextToMake;
    private long nextToTake;
    private Exception? failure;
    private bool stopped;

    /// <summary>Begins to load.</summary>
    /// <param name="source">Where pictures come from.</param>
    /// <param name="options">How.</param>
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

    /// <summary>How many steps go through all pictures.</summary>
    public long StepsPerEpoch => order.StepsPerEpoch;

    /// <summary>A copy of what has been wrong with pictures so far.</summary>
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

    /// <summary>The batch of the next step; waits for it if it is not ready.</summary>
    /// <exception cref="AnnotationException">None of the pictures can be used.</exception>
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

    /// <summary>Stops the threads, and waits until they have.</summary>
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
                // Whatever it is, it belongs to whoever waits for the sample.
                lock (gate)
                {
                    failure ??= e;
                    Monitor.PulseAll(gate);
                }
                return;
            }
        }
    }

    // The number of the next sample that no thread makes yet, once there is room for it; null when it is time to stop.
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
            // Whether a picture can be used does not depend on when it is tried, hence neither does what replaces it.
            var (epoch, index) = order.At(step, place, replacement);
            lock (gate)
            {
                if (broken.Contains(index))
                    continue;
            }
            try
            {
                return options.Augmentation.Apply(source.Read(index, epoch), options.Seed, epoch, index);
            }
            catch (PictureException e)
            {
                lock (gate)
                {
                    if (broken.Add(index))
                        problems.Add(AnnotationProblem.PictureBroken, e.Message.TrimEnd('.'));
                }
            }
        }
        throw new AnnotationException(
            $"None of the {source.Count} pictures can be used. {string.Join(" ", Problems.Sentences())}");
    }
}
