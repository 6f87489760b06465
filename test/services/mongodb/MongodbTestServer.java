import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import de.bwaldvogel.mongo.wire.message.MessageHeader;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * mongo-java-server with a memory: what it answered is still there after SIGKILL.
 *
 * It keeps its data in the heap (its disk backend writes a second later, and takes 3,000 documents a second at
 * most), so every command that writes is appended to a journal before its answer leaves, and the journal is
 * executed again at the next start. `j: true` waits for the disk, as in MongoDB.
 *
 * Arguments: port on 127.0.0.1, journal file.
 */
public final class MongodbTestServer extends MemoryBackend {
    private static final Set<String> WRITES = Set.of(
            "insert", "update", "delete", "findAndModify", "create", "createIndexes", "dropIndexes", "drop",
            "dropDatabase", "renameCollection");

    private final EmbeddedChannel nobody = new EmbeddedChannel();
    private final FileChannel journal;

    private MongodbTestServer(Path file) throws IOException {
        version(new Version());
        journal = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        replay();
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        waitForPort(port);
        MongoServer server = new MongoServer(new MongodbTestServer(Path.of(arguments[1])));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", port);
    }

    /** While the server was away, the system may have given its port to a client of anybody, for a moment. */
    private static void waitForPort(int port) throws Exception {
        for (int attempt = 1; ; attempt += 1) {
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
                return;
            } catch (BindException taken) {
                if (attempt == 100) throw taken;
                Thread.sleep(100);
            }
        }
    }

    @Override
    public Document handleMessage(MongoMessage message) {
        if (!WRITES.contains(commandOf(message.getDocument()))) return super.handleMessage(message);
        // One at a time, so that the journal has the order in which they took effect.
        synchronized (journal) {
            try {
                return super.handleMessage(message);
            } finally {
                // Also of a command that failed: it may have had an effect before it did.
                append(message.getDocument());
            }
        }
    }

    private void append(Document command) {
        ByteBuf buffer = Unpooled.buffer();
        try {
            BsonEncoder.encodeDocument(command, buffer);
            ByteBuffer bytes = buffer.nioBuffer();
            while (bytes.hasRemaining()) journal.write(bytes);
            if (command.get("writeConcern") instanceof Document concern && Boolean.TRUE.equals(concern.get("j"))) {
                journal.force(false);
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } finally {
            buffer.release();
        }
    }

    /** A command that a kill cut off was never answered; it is cut off for good. */
    private void replay() throws IOException {
        long position = 0;
        for (;;) {
            ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            if (!readFully(length, position)) break;
            ByteBuffer bytes = ByteBuffer.allocate(length.getInt(0));
            if (!readFully(bytes, position)) break;
            Document command = BsonDecoder.decodeBson(Unpooled.wrappedBuffer(bytes.flip()));
            try {
                super.handleMessage(new MongoMessage(nobody, new MessageHeader(0, 0), command));
            } catch (RuntimeException failedAsBefore) {
                // Whoever sent it was told then.
            }
            position += bytes.limit();
        }
        journal.truncate(position);
        journal.position(position);
    }

    private boolean readFully(ByteBuffer bytes, long position) throws IOException {
        while (bytes.hasRemaining()) {
            if (journal.read(bytes, position + bytes.position()) < 0) return false;
        }
        return true;
    }

    @Override
    public MemoryDatabase openOrCreateDatabase(String name) {
        CursorRegistry cursors = getCursorRegistry();
        return new MemoryDatabase(name, cursors) {
            @Override
            protected MemoryCollection openOrCreateCollection(String collection, CollectionOptions options) {
                return new Collection(this, collection, options, cursors);
            }
        };
    }

    private static String commandOf(Document document) {
        return document.keySet().iterator().next();
    }

    /** Looks a document up by its `_id` also when the filter says more; the library reads the whole collection then. */
    private static final class Collection extends MemoryCollection {
        private Collection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
            super(database, name, options, cursors);
        }

        @Override
        protected QueryResult matchDocuments(
                Document filter, Document order, int skip, int limit, int batchSize, Document fields) {
            Object id = filter.get("_id");
            if (!(id instanceof Number || id instanceof String)) {
                return super.matchDocuments(filter, order, skip, limit, batchSize, fields);
            }
            Document byId = new Document("_id", id);
            Stream<Document> found = getIndexes().stream()
                    .filter(index -> index.canHandle(byId))
                    .limit(1)
                    .flatMap(index -> StreamSupport.stream(index.getPositions(byId).spliterator(), false))
                    .map(this::getDocument);
            return matchDocumentsFromStream(found, filter, order, skip, limit, batchSize, fields);
        }
    }

    /** The oldest that core-api runs on. Without it the server calls itself 5.0 and the driver does not talk to it. */
    private static final class Version implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(6, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 17;
        }
    }
}
