from app.server.serve import main

if __name__ == "__main__":
    main()
